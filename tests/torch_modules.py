"""Torch modules for the tests of readers; import it only where torch is."""

import torch
from torch import nn
from torch.nn import functional as F


class Calls(nn.Module):
    """A function as a module, with a few parameters to use."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.w = nn.Parameter(torch.randn(4))
        self.W = nn.Parameter(torch.randn(3, 6))
        self.conv = nn.Conv2d(2, 4, 3, padding=1)

    def assigns(self, x):
        x = x.clone()
        x[:, 0] = 1
        return x

    def forward(self, x):
        return self.function(self, x)


class Residual(nn.Module):
    def __init__(self, channels=3):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x):
        y = self.body(x)
        y += x
        return F.relu(y)


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(2, 3, 1), nn.Conv2d(2, 2, 3, padding=1)
        self.pool = nn.MaxPool2d(3, 1, 1)

    def forward(self, x):
        return torch.cat([F.relu(self.a(x)), torch.abs(self.b(x)), self.pool(x)], dim=1)


def settled(module):
    """At rest, with statistics worth the name."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d) and part.running_mean is not None:
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
            if part.affine:
                nn.init.normal_(part.weight)
                nn.init.normal_(part.bias)
    return module.eval()


def resnet():
    torch.manual_seed(1)
    return settled(
        nn.Sequential(
            *(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.ReLU()),
            *(nn.MaxPool2d(2), Residual(4), Residual(4)),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)),
        )
    )
