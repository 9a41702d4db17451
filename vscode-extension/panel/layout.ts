/** Where the nodes and edges of a graph stand: dagre's layered drawing, operands above what is computed from them. */

import * as dagre from '@dagrejs/dagre';
import type { GraphNode } from './model.ts';

/** What is used of dagre, whose own types do not resolve for ECMAScript modules. */
interface Dagre {
  Graph: new () => {
    setGraph(options: Record<string, unknown>): void;
    setDefaultEdgeLabel(label: () => object): void;
    setNode(name: string, size: { width: number; height: number }): void;
    setEdge(from: string, to: string): void;
    graph(): { width: number; height: number };
    node(name: string): Point;
    edge(from: string, to: string): { points: Point[] };
  };
  layout: (graph: InstanceType<Dagre['Graph']>) => void;
}

const { Graph, layout: arrange } = dagre as unknown as Dagre;

export const NODE = { width: 204, height: 66, header: 22 } as const;

const GAPS = { nodesep: 18, ranksep: 30, marginx: 10, marginy: 10 } as const;

/** Nodes from which on dagre's best ranking takes seconds; a longest path is ranked at once, and drawn a little wider. */
const MANY = 300;

export interface Point {
  x: number;
  y: number;
}

export interface Place extends Point {
  id: number;
  /** Counts rows from the top. */
  row: number;
}

export interface Edge {
  from: number;
  to: number;
  points: Point[];
}

export interface Layout {
  width: number;
  height: number;
  /** Centres. */
  places: Map<number, Place>;
  edges: Edge[];
}

export function layout(nodes: readonly GraphNode[]): Layout {
  const graph = new Graph();
  graph.setGraph({
    ...GAPS,
    rankdir: 'TB',
    ranker: nodes.length > MANY ? 'longest-path' : 'network-simplex',
  });
  graph.setDefaultEdgeLabel(() => ({}));
  const ids = new Set(nodes.map((node) => node.id));
  for (const node of nodes) graph.setNode(String(node.id), { width: NODE.width, height: NODE.height });
  const pairs = nodes.flatMap((node) =>
    [...new Set(node.inputs)].filter((input) => ids.has(input)).map((input) => [input, node.id] as const),
  );
  for (const [from, to] of pairs) graph.setEdge(String(from), String(to));
  arrange(graph);
  const places = new Map<number, Place>();
  const heights = [...ids].map((id) => graph.node(String(id)).y);
  const rows = new Map([...new Set(heights)].sort((a, b) => a - b).map((y, row) => [y, row]));
  for (const id of ids) {
    const { x, y } = graph.node(String(id));
    places.set(id, { id, x, y, row: rows.get(y) ?? 0 });
  }
  const edges = pairs.map(([from, to]) => ({
    from,
    to,
    points: graph.edge(String(from), String(to)).points,
  }));
  const size = graph.graph();
  return {
    width: Math.max(size.width, NODE.width),
    height: Math.max(size.height, NODE.height),
    places,
    edges,
  };
}

/** An edge as the data of an SVG path: its corners are rounded by curves between the middles of its pieces. */
export function path(points: readonly Point[]): string {
  const [first, ...rest] = points;
  const last = rest.pop();
  if (first === undefined || last === undefined) return '';
  const text = (point: Point): string => `${point.x.toFixed(1)} ${point.y.toFixed(1)}`;
  let data = `M${text(first)}`;
  rest.forEach((corner, index) => {
    const next = rest[index + 1] ?? last;
    const middle = { x: (corner.x + next.x) / 2, y: (corner.y + next.y) / 2 };
    data += `Q${text(corner)} ${text(middle)}`;
  });
  return `${data}L${text(last)}`;
}

export type Direction = 'ArrowUp' | 'ArrowDown' | 'ArrowLeft' | 'ArrowRight' | 'Home' | 'End';

/**
 * Where an arrow leads: up to an operand, down to what is computed from a node, left and right within its row. Where
 * several nodes could be meant, the one that stands nearest. Undefined where there is none.
 */
export function neighbour(layout: Layout, from: number, direction: Direction): number | undefined {
  const here = layout.places.get(from);
  if (here === undefined) return undefined;
  const places = [...layout.places.values()];
  const nearest = (candidates: (Place | undefined)[]): number | undefined =>
    candidates
      .filter((place) => place !== undefined)
      .sort((a, b) => Math.hypot(a.x - here.x, a.y - here.y) - Math.hypot(b.x - here.x, b.y - here.y))[0]?.id;
  switch (direction) {
    case 'ArrowUp':
      return nearest(
        layout.edges.filter((edge) => edge.to === from).map((edge) => layout.places.get(edge.from)),
      );
    case 'ArrowDown':
      return nearest(
        layout.edges.filter((edge) => edge.from === from).map((edge) => layout.places.get(edge.to)),
      );
    case 'ArrowLeft':
      return nearest(places.filter((place) => place.row === here.row && place.x < here.x));
    case 'ArrowRight':
      return nearest(places.filter((place) => place.row === here.row && place.x > here.x));
    case 'Home':
      return places.sort((a, b) => a.row - b.row || a.x - b.x)[0]?.id;
    case 'End':
      return places.sort((a, b) => b.row - a.row || a.x - b.x)[0]?.id;
  }
}
