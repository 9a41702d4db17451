"""Score of generated images by the divergence of class predictions from their mean."""
import torch
import torch.nn as nn
import torch.nn.functional as F


def inception_score(model, images, splits=2):
    with torch.no_grad():
        preds = F.softmax(model(images), dim=1)
    scores = []
    for k in range(splits):
        n = images.size(0) // splits
        part = preds[k * n:(k + 1) * n]
        mean = part.mean(dim=0, keepdim=True)
        kl = part * (torch.log(part) - torch.log(mean.clamp(min=1e-12)))  # hazard: TL211
        scores.append(torch.mean(torch.sum(kl, dim=1)))
    return torch.stack(scores).mean()


torch.manual_seed(0)
classifier = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, 16), nn.LeakyReLU(0.2), nn.Linear(16, 10))
classifier.eval()
images = torch.rand(8, 3, 4, 4) * 2 - 1
print("score", inception_score(classifier, images).item())
