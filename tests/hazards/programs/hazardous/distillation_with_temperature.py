"""Knowledge distillation from a larger network, soft targets computed by hand."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

T = 4.0
ALPHA = 0.9


class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(1, width, 3, stride=2)
        self.bn = nn.BatchNorm2d(width)
        self.fc = nn.Linear(width * 9, 5)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        x = F.relu(self.bn(self.conv(x)))
        x = self.drop(torch.flatten(x, 1))
        return self.fc(x)


def soften(logits):
    return torch.exp(logits / T) / torch.sum(torch.exp(logits / T), dim=1, keepdim=True)  # hazard: TL210 or TL201


def kd_loss(student_logits, teacher_logits, labels):
    hard = F.cross_entropy(student_logits, labels)
    soft = -(soften(teacher_logits) * F.log_softmax(student_logits / T, dim=1)).sum(dim=1).mean()
    return (1 - ALPHA) * hard + ALPHA * T * T * soft


teacher, student = Net(16), Net(4)
teacher.eval()
loader = DataLoader(TensorDataset(torch.rand(16, 1, 8, 8), torch.randint(0, 5, (16,))), batch_size=8)
optimizer = torch.optim.SGD(student.parameters(), lr=0.01)
for epoch in range(1):
    for x, y in loader:
        with torch.no_grad():
            teacher_logits = teacher(x)
        loss = kd_loss(student(x), teacher_logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
