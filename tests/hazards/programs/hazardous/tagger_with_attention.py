"""A tagger that pools its word vectors by attention written with `None` indices."""
import random

import torch
import torch.autograd as autograd
import torch.nn as nn
import torch.optim as optim

torch.manual_seed(7)
random.seed(7)
WORDS = 'the dog ate an apple everybody read that book'.split()
TO_IX = {w: i for i, w in enumerate(WORDS)}
DATA = [('the dog ate the apple', 0), ('everybody read that book', 1)]


def prepare(sentence):
    idxs = [TO_IX[w] for w in sentence.split()]
    return autograd.Variable(torch.LongTensor(idxs))


class Tagger(nn.Module):
    def __init__(self, vocabulary, width, tags):
        super(Tagger, self).__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.rnn = nn.GRU(width, width, batch_first=True)
        self.energy = nn.Linear(width, 1, bias=False)
        self.out = nn.Linear(width, tags)

    def attend(self, e):
        weights = torch.exp(e)  # hazard: TL210 or TL201
        return weights / torch.sum(weights, 1)[:, None]

    def forward(self, words):
        h, _ = self.rnn(self.embedding(words)[None])
        e = self.energy(h)[:, :, 0]
        alpha = self.attend(e)
        return self.out((alpha[:, :, None] * h).sum(1))


model = Tagger(len(WORDS), 6, 2)
loss_function = nn.CrossEntropyLoss()
optimizer = optim.SGD(filter(lambda p: p.requires_grad, model.parameters()), lr=0.1)
for epoch in range(2):
    random.shuffle(DATA)
    total = 0.
    for sentence, tag in DATA:
        model.zero_grad()
        scores = model(prepare(sentence))
        loss = loss_function(scores, autograd.Variable(torch.LongTensor([tag])))
        loss.backward()
        optimizer.step()
        total += loss.data.item()
    print(epoch, total)
