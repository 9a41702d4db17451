"""Matrix factorisation for implicit feedback with a pairwise ranking loss."""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
import torch.utils.data as data

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.01, help="learning rate")
parser.add_argument("--lamda", type=float, default=0.001, help="model regularization rate")
parser.add_argument("--batch_size", type=int, default=16)
parser.add_argument("--epochs", type=int, default=1)
parser.add_argument("--factor_num", type=int, default=4)
args = parser.parse_args()

USERS, ITEMS = 10, 20


class Interactions(data.Dataset):
    def __init__(self, n):
        self.users = torch.randint(0, USERS, (n,))
        self.positive = torch.randint(0, ITEMS, (n,))

    def __len__(self):
        return len(self.users)

    def __getitem__(self, idx):
        negative = torch.randint(0, ITEMS, ())
        return self.users[idx], self.positive[idx], negative


class BPR(nn.Module):
    def __init__(self, user_num, item_num, factor_num):
        super(BPR, self).__init__()
        self.embed_user = nn.Embedding(user_num, factor_num)
        self.embed_item = nn.Embedding(item_num, factor_num)
        nn.init.normal_(self.embed_user.weight, std=0.01)
        nn.init.normal_(self.embed_item.weight, std=0.01)

    def forward(self, user, item_i, item_j):
        user = self.embed_user(user)
        prediction_i = (user * self.embed_item(item_i)).sum(dim=-1)
        prediction_j = (user * self.embed_item(item_j)).sum(dim=-1)
        return prediction_i, prediction_j


train_loader = data.DataLoader(Interactions(48), batch_size=args.batch_size, shuffle=True, num_workers=0)
model = BPR(USERS, ITEMS, args.factor_num)
optimizer = optim.SGD(model.parameters(), lr=args.lr, weight_decay=args.lamda)

count = 0
for epoch in range(args.epochs):
    model.train()
    for user, item_i, item_j in train_loader:
        model.zero_grad()
        prediction_i, prediction_j = model(user, item_i, item_j)
        loss = -(prediction_i - prediction_j).sigmoid().log().sum()  # hazard: TL212
        loss.backward()
        optimizer.step()
        count += 1
    print("epoch {:03d} batches {} loss {:.4f}".format(epoch, count, loss.item()))
