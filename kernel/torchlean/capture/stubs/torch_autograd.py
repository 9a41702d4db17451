"""`torch.autograd`: names that old programs use and that change no number."""


def Variable(data, requires_grad=False, volatile=False):
    return data
