import torch
import torch.nn as nn
from torch.autograd import Variable


class Net(nn.Module):
    def __init__(self, n_feature, n_hidden, n_output):
        super(Net, self).__init__()
        self.hidden = torch.nn.Linear(n_feature, n_hidden)
        self.predict = torch.nn.Linear(n_hidden, n_output)
        self.hidden.weight.data.normal_(0, 0.1)
        self.hidden.bias.data.zero_()

    def forward(self, x):
        x = Variable(x)
        x = torch.nn.functional.relu(self.hidden(x))
        x = self.predict(x)
        return x


net = Net(n_feature=1, n_hidden=10, n_output=1)
checkpoint = torch.load("checkpoint.pt", map_location=lambda storage, loc: storage)
net.load_state_dict(checkpoint["state_dict"])
net.eval()
model = net
