"""Corner cases of memory: changing in place, views, `out=`."""

from __future__ import annotations

import torch
from tests.capture.corner_group import Group

MATRIX = torch.tensor([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])

GROUPS: dict[str, Group] = {
    "changing in place": Group(
        "Every name of a tensor sees the change, and every view of its memory.",
        MATRIX,
        """x[:, 0] += 1 ; result = x
        x[x > 0] = 0 ; result = x
        x[[0, 0]] += 1 ; result = x
        x[:, [0, 2]] *= 2 ; result = x
        x += x[0] ; result = x
        x[0], x[1] = x[1].clone(), x[0].clone() ; result = x
        y = x ; y += 1 ; result = x
        y = x ; y = y + 1 ; result = x
        y = x.clone() ; y += 1 ; result = x
        y = x.float() ; y += 1 ; result = x
        y = x.double() ; y += 1 ; result = x
        y = x.flip(0) ; y += 1 ; result = x
        y = x.detach() ; y += 1 ; result = x
        y = x.reshape(2, 3) ; y += 1 ; result = x
        y = torch.zeros(2, 3) ; y.data = x ; x += 1 ; result = y
        y = torch.zeros(2, 3) ; y[:] = x ; x += 1 ; result = y
        y = F.relu(x, inplace=True) ; y += 1 ; result = x
        y = x.long() ; y += 0.5 ; result = y
        y = x.long() ; y *= 2 ; result = y
        y = x.half() ; y += x ; result = y
        y = x.long() ; y[0] = 2.7 ; result = y
        y = x.to(torch.uint8) ; y -= 3 ; result = y
        y = x.bool() ; y[0] = 2 ; result = y
        x.copy_(x[0]) ; result = x
        x.clamp_(0, 1) ; result = x
        x.add_(torch.ones(2, 2, 3)) ; result = x
        y = x[:, 0] ; y += 1 ; result = x
        y = x.view(-1) ; x[0, 0] = 9 ; result = y
        y = x.reshape(3, 2) ; y += 1 ; result = x
        y = x.T ; y[0, 1] = 9 ; result = x
        y = x.expand(2, 2, 3) ; x.add_(1) ; result = y
        a, b = x.unbind(0) ; a += b ; result = x
        x[..., -1] = x[..., 0] ; result = x
        y = x.view(torch.int32) ; y += 1 ; result = x
        y = x.as_strided((2, 2), (1, 1)) ; y += 1 ; result = x
        y = x.numpy() ; y += 1 ; result = x
        y = x.numpy() ; y[0] = 1 ; result = x
        w = nn.Buffer(x) ; w += 1 ; result = x
        x.index_add_(0, torch.tensor([0, 0]), x.clone()) ; result = x
        x.scatter_add_(1, torch.tensor([[0, 0], [1, 2]]), x[:, :2].clone()) ; result = x
        x.fill_diagonal_(0) ; result = x
        x.fill_diagonal_(-torch.inf) ; result = x
        y = x.repeat(2, 1) ; z = y.T ; y.fill_diagonal_(7) ; result = z
        y = torch.ones(3, 3, 3) ; y.fill_diagonal_(7) ; result = y
        y = torch.ones(2, 3, 3) ; y.fill_diagonal_(7) ; result = y
        y = torch.ones(3) ; y.fill_diagonal_(7) ; result = y
        torch._foreach_add_([x], 3.0) ; result = x
        x.t_() ; result = x
        x.unsqueeze_(0) ; result = x
        x.set_(torch.zeros(2, 3)) ; result = x
        y = x ; x.index_add_(0, torch.tensor([0, 0]), x.clone()) ; result = y
        y = x.T ; x.put_(torch.tensor([0]), torch.tensor([7.0])) ; result = y
        y = x[0] ; x[1] = y ; result = x
        x[:, 1:] = x[:, :-1] ; result = x
        x[:, :1] += x[:, 1:2] ; result = x
        x[1:] = x[1:] ; result = x
        y = x.T ; y += x.T ; result = x
        y = torch.arange(6.0).view(2, 3) * 1 ; y.view(-1)[1:3] = 0 ; result = y
        y = torch.ones(2, 3) + 1 ; z = y.t() ; z[2] = 5 ; z.diagonal().mul_(3) ; result = y
        y = torch.ones(2, 3) + 1 ; z = y.flatten() ; z[4] = 50 ; result = y
        y = (torch.ones(2, 3) + 1).t() ; z = y.flatten() ; z[4] = 50 ; result = y
        y = (torch.ones(2, 3) + 1).t() ; z = y.reshape(-1) ; y[0, 1] = 50 ; result = z
        y = torch.arange(6.0).view(2, 3) * 1 ; z = y.contiguous() ; z[0] = 5 ; result = y
        y = (torch.arange(6.0).view(2, 3) * 1).t() ; z = y.contiguous() ; z[0] = 5 ; result = y
        y = torch.arange(6.0).view(2, 3) * 1 ; a, b, c = y.split(1, 1) ; b.zero_() ; c += a ; result = y
        y = torch.arange(6.0).view(2, 3) * 1 ; z = y.unfold(1, 2, 1) ; y[0] = 9 ; result = z
        y = torch.arange(6.0).view(2, 3) * 1 ; z = y.unfold(1, 2, 1) ; z[0] = 9 ; result = y
        y = torch.arange(6.0).view(2, 3) * 1 ; z = y[:, None].expand(2, 2, 3) ; y[1, 1] = 9 ; result = z
        y = torch.arange(6.0).view(2, 3) * 1 ; z = y.permute(1, 0)[1:] ; w = z[None].squeeze() ; w *= 2 ; result = y
        y = (torch.arange(6.0).view(2, 3) * 1).clone() ; z = y.flatten() ; z[0] = 9 ; result = y
        y = torch.zeros(1, 2, 2, 2).to(memory_format=torch.channels_last) ; z = y.flatten() ; z[0] = 9 ; result = y
        y = torch.arange(6.0).view(2, 3) * 1 ; y.data = y.t() ; z = y.flatten() ; z[1] = 9 ; result = y
        z = x.diag() ; z[0] = 9 ; result = x
        z = x.repeat(1, 1) ; z[0] = 9 ; result = x
        z = x.narrow(1, 0, 2) ; z.copy_(x[:, 1:]) ; result = x
        y = x.flatten() ; y += 1 ; result = x
        y = x.sum() ; y.scatter_(0, torch.tensor(0), 2.0) ; result = y
        y = x.sum() ; y.index_fill_(0, torch.tensor([0]), 2.0) ; result = y
        y = x.clone() ; y.add_([1.0]) ; result = y
        y = x.sum() ; z = y.index_select(0, torch.tensor([0])) ; z += 1 ; result = y
        y = x.diff(n=0) ; y += 1 ; result = x
        y = F.unfold(x[None, None], (2, 3)) ; y += 1 ; result = x
        y = torch.einsum('ij->ji', x) ; y += 1 ; result = x
        y = torch.einsum('ii->i', x[:, 1:]) ; y += 1 ; result = x
        y = torch.einsum('ij->i', x) ; y += 1 ; result = x
        y = torch.arange(6.0) * 1 ; z = y.ravel() ; z += 1 ; result = y
        y = torch.arange(6.0) * 1 ; z = y[::2].ravel() ; z += 1 ; result = y""",
    ),
    "out=": Group(
        "The result is written into the tensor, which keeps its dtype; one of another shape is resized.",
        MATRIX,
        """y = torch.zeros(2, 3) ; torch.add(x, 1, out=y) ; result = y
        y = torch.zeros(2, 3, dtype=torch.float64) ; torch.add(x, 1, out=y) ; result = y
        y = torch.zeros(2, 3, dtype=torch.long) ; torch.add(x, 1, out=y) ; result = y
        torch.exp(x, out=x) ; result = x
        y = torch.zeros(2, 3) ; r = torch.mul(x, 2, out=y) ; r += 1 ; result = y
        y = torch.empty(4, 3) ; torch.cat([x, x], out=y) ; result = y
        y = torch.zeros(3, 2) ; torch.add(x, 1, out=y) ; result = y
        y = torch.zeros(0) ; torch.add(x, 1, out=y) ; result = y
        y = torch.zeros(2, 3) ; z = y[0] ; torch.add(x, 1, out=y) ; result = z
        y = torch.zeros(2, 3) ; torch.add(x[0], 1, out=y[0]) ; result = y
        v, i = torch.zeros(2), torch.zeros(2, dtype=torch.long) ; torch.max(x, 1, out=(v, i)) ; result = v
        y = torch.zeros(2, 3) ; torch.copysign(x, -x, out=y) ; result = y
        torch.sub(x[0], x[1], out=x[0]) ; result = x
        torch.sum(x, 0, out=x[0]) ; result = x
        y = x[:, :2].clone() ; torch.mm(y, y, out=y) ; result = y
        y = torch.zeros(3) ; torch.sum(x, 0, out=y) ; result = y
        y = torch.zeros(3, dtype=torch.float64) ; torch.sum(x * 0.1, 0, out=y) ; result = y
        y = torch.zeros(3, dtype=torch.float64) ; torch.mean(x * 0.1, 0, out=y) ; result = y
        y = torch.zeros(3, dtype=torch.float64) ; torch.prod(x * 0.1, 0, out=y) ; result = y
        y = torch.zeros(2, 3, dtype=torch.float64) ; torch.cumsum(x * 0.1, 0, out=y) ; result = y
        y = torch.zeros(2, 3, dtype=torch.float64) ; torch.cumprod(x * 0.1, 0, out=y) ; result = y
        y = torch.zeros(()) ; torch.sum(torch.tensor([2**24, 1, 1, 1]), 0, out=y) ; result = y
        y = torch.zeros(3, dtype=torch.bool) ; torch.sum(x > 0, 0, out=y) ; result = y
        y = torch.zeros(3, dtype=torch.bool) ; torch.sum(x * torch.tensor([[1.0], [-1.0]]), 0, out=y) ; result = y
        y = torch.zeros(3, dtype=torch.long) ; torch.sum(x * 0.6, 0, out=y) ; result = y
        y = torch.zeros(3, dtype=torch.float64) ; torch.logsumexp(x, 0, out=y) ; result = y""",
    ),
}

VIEW = "another tensor shares its memory (a view)"
"""What is said where a tensor is changed through one of its views."""

OVERLAP = "shares some of its memory (a view)"
"""What is said where a tensor is changed by another one of the same memory."""

REFUSED: dict[str, str] = {
    "x += x[0] ; result = x": OVERLAP,
    "x[:, 1:] = x[:, :-1] ; result = x": OVERLAP,
    "z = x.narrow(1, 0, 2) ; z.copy_(x[:, 1:]) ; result = x": OVERLAP,
    "y = torch.arange(6.0).view(2, 3) * 1 ; z = y.unfold(1, 2, 1) ; z[0] = 9 ; result = y": "in several places",
    "y = x.flatten() ; y += 1 ; result = x": VIEW,
    "y = torch.arange(6.0).view(2, 3) * 1 ; y.data = y.t() ; z = y.flatten() ; z[1] = 9 ; result = y": VIEW,
    "y = torch.zeros(1, 2, 2, 2).to(memory_format=torch.channels_last) ; z = y.flatten() ; z[0] = 9 ; result = y": VIEW,
    "y = x.view(torch.int32) ; y += 1 ; result = x": "reads the bits as another type",
    "y = x.as_strided((2, 2), (1, 1)) ; y += 1 ; result = x": "`as_strided` of a tensor is not followed",
    "y = x.numpy() ; y += 1 ; result = x": "stay in torch",
    "y = x.numpy() ; y[0] = 1 ; result = x": "stay in torch",
    "w = nn.Buffer(x) ; w += 1 ; result = x": "changed in place while another tensor shares its memory",
    "x.scatter_add_(1, torch.tensor([[0, 0], [1, 2]]), x[:, :2].clone()) ; result = x": "`scatter_add_` of a tensor",
    "x.index_add_(0, torch.tensor([0, 0]), x.clone()) ; result = x": "`index_add_` of a tensor",
    "y = x ; x.index_add_(0, torch.tensor([0, 0]), x.clone()) ; result = y": "`index_add_` of a tensor",
    "y = x.T ; x.put_(torch.tensor([0]), torch.tensor([7.0])) ; result = y": "`put_` of a tensor",
    "torch._foreach_add_([x], 3.0) ; result = x": "`torch._foreach_add_` is not followed",
    "x.t_() ; result = x": "`t_` of a tensor",
    "x.unsqueeze_(0) ; result = x": "`unsqueeze_` of a tensor",
    "x.set_(torch.zeros(2, 3)) ; result = x": "`set_` of a tensor",
    "y = torch.einsum('ij->ji', x) ; y += 1 ; result = x": VIEW,
    "y = torch.einsum('ii->i', x[:, 1:]) ; y += 1 ; result = x": VIEW,
    "torch.sum(x, 0, out=x[0]) ; result = x": "it reads the tensor that `out=` writes",
    "y = x[:, :2].clone() ; torch.mm(y, y, out=y) ; result = y": "it reads the tensor that `out=` writes",
    "y = torch.zeros(3, 2) ; torch.add(x, 1, out=y) ; result = y": "`out=` with another shape",
    "y = torch.zeros(3, dtype=torch.long) ; torch.sum(x * 0.6, 0, out=y) ; result = y": "`.to(...)` before",
    "y = torch.zeros(3, dtype=torch.float64) ; torch.logsumexp(x, 0, out=y) ; result = y": "partly in the dtype",
    "y = torch.zeros(0) ; torch.add(x, 1, out=y) ; result = y": "`out=` with another shape",
    "v, i = torch.zeros(2), torch.zeros(2, dtype=torch.long) ; torch.max(x, 1, out=(v, i)) ; result = v": "several",
    "y = torch.zeros(2, 3) ; torch.copysign(x, -x, out=y) ; result = y": "`torch.copysign` is not followed",
    **{
        f"{body} ; result = {name}": VIEW
        for body, name in (
            ("y = torch.zeros(2, 3) ; y.data = x ; x += 1", "y"),
            ("y = x.reshape(3, 2) ; y += 1", "x"),
        )
    },
}
