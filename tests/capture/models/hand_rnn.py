import torch
import torch.nn as nn

import torchlean as tl


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super(RNN, self).__init__()

        self.hidden_size = hidden_size

        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
        self.i2o = nn.Linear(input_size + hidden_size, output_size)
        self.softmax = nn.LogSoftmax(dim=1)

    def step(self, input, hidden):
        combined = torch.cat((input, hidden), 1)
        hidden = torch.tanh(self.i2h(combined))
        output = self.i2o(combined)
        output = self.softmax(output)
        return output, hidden

    def initHidden(self, batch):
        return torch.zeros(batch, self.hidden_size)

    def forward(self, sequence):
        hidden = self.initHidden(sequence.size(1))
        outputs = []
        for i in range(sequence.size()[0]):
            output, hidden = self.step(sequence[i], hidden)
            outputs.append(output)
        return torch.stack(outputs), hidden


n_hidden = 5
model = tl.load(RNN(3, n_hidden, 2), "rnn.pt")
