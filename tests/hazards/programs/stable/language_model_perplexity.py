"""A small recurrent language model; perplexity is printed after each epoch."""
import argparse

import torch
import torch.nn as nn
from torch.nn.utils import clip_grad_norm_

parser = argparse.ArgumentParser()
parser.add_argument("--embed_size", type=int, default=8)
parser.add_argument("--hidden_size", type=int, default=16)
parser.add_argument("--num_epochs", type=int, default=1)
parser.add_argument("--seq_length", type=int, default=5)
parser.add_argument("--learning_rate", type=float, default=0.002)
args = parser.parse_args()

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
vocab_size = 30
batch_size = 4
ids = torch.randint(0, vocab_size, (batch_size, 40))


class RNNLM(nn.Module):
    def __init__(self, vocab_size, embed_size, hidden_size):
        super(RNNLM, self).__init__()
        self.embed = nn.Embedding(vocab_size, embed_size)
        self.lstm = nn.LSTM(embed_size, hidden_size, batch_first=True)
        self.linear = nn.Linear(hidden_size, vocab_size)

    def forward(self, x, h):
        x = self.embed(x)
        out, (h, c) = self.lstm(x, h)
        out = out.reshape(out.size(0) * out.size(1), out.size(2))
        return self.linear(out), (h, c)


model = RNNLM(vocab_size, args.embed_size, args.hidden_size).to(device)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=args.learning_rate)


def detach(states):
    return [state.detach() for state in states]


for epoch in range(args.num_epochs):
    states = (torch.zeros(1, batch_size, args.hidden_size).to(device),
              torch.zeros(1, batch_size, args.hidden_size).to(device))
    for i in range(0, ids.size(1) - args.seq_length, args.seq_length):
        inputs = ids[:, i:i + args.seq_length].to(device)
        targets = ids[:, (i + 1):(i + 1) + args.seq_length].to(device)
        states = detach(states)
        outputs, states = model(inputs, states)
        loss = criterion(outputs, targets.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        perplexity = torch.exp(loss.clamp(max=50.0))  # stable
        print("Epoch [{}/{}], Loss: {:.4f}, Perplexity: {:5.2f}".format(
            epoch + 1, args.num_epochs, loss.item(), perplexity.item()))
