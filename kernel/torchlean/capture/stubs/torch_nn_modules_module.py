"""`torch.nn.Module`: registration by assignment, walks over parameters, buffers and submodules, and modes.

Written for the interpreter of `torchlean.capture`, which follows it like a user's file. Devices and gradients
have no meaning for the values an analysis computes, so those methods keep torch's signatures and change nothing.
"""

import torch
from torch.nn.parameter import Parameter

from torchlean.capture.intrinsics import adopt, convert, fail, is_among, is_buffer, is_unknown, registered


class Module:
    training = True

    def __init__(self, *args, **kwargs):
        place = object.__setattr__
        place(self, "training", True)
        place(self, "_parameters", {})
        place(self, "_buffers", {})
        place(self, "_non_persistent_buffers_set", set())
        place(self, "_modules", {})
        place(self, "_forward_pre_hooks", [])
        place(self, "_forward_hooks", [])

    def forward(self, *args, **kwargs):
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    def __call__(self, *args, **kwargs):
        if self._forward_pre_hooks or self._forward_hooks:
            return _call_with_hooks(self, args, kwargs)
        return self.forward(*args, **kwargs)

    # Attributes: parameters, buffers and modules live in dictionaries of their own, everything else in __dict__.

    def __setattr__(self, name, value):
        own = self.__dict__
        if isinstance(value, Parameter):
            if "_parameters" not in own:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            _forget(self, name, self._buffers, self._modules)
            self._parameters[name] = value
            registered(self, name, value)
        elif isinstance(value, Module):
            if "_modules" not in own:
                raise AttributeError("cannot assign module before Module.__init__() call")
            _forget(self, name, self._buffers, self._parameters)
            self._modules[name] = value
        elif "_modules" not in own:
            object.__setattr__(self, name, value)
        elif name in self._parameters:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_type_name(value)}' as parameter '{name}' "
                    "(torch.nn.Parameter or None expected)"
                )
            self._parameters[name] = None
        elif name in self._modules:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_type_name(value)}' as child module '{name}' "
                    "(torch.nn.Module or None expected)"
                )
            self._modules[name] = None
        elif name in self._buffers:
            if value is not None and not isinstance(value, torch.Tensor):
                raise TypeError(
                    f"cannot assign '{_type_name(value)}' as buffer '{name}' (torch.Tensor or None expected)"
                )
            self._buffers[name] = value
        elif is_buffer(value):
            self._buffers[name] = value
            registered(self, name, value)
            if not value.persistent:
                self._non_persistent_buffers_set.add(name)
        else:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):
        own = self.__dict__
        for registry in ("_parameters", "_buffers", "_modules"):
            if registry in own and name in own[registry]:
                return own[registry][name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name):
        for registry in (self._parameters, self._buffers, self._modules):
            if name in registry:
                del registry[name]
                return
        object.__delattr__(self, name)

    def register_parameter(self, name, param):
        _check_name(self, name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{_type_name(param)}' object to parameter '{name}' "
                "(torch.nn.Parameter or None required)"
            )
        self._parameters[name] = param
        if param is not None:
            registered(self, name, param)

    def register_buffer(self, name, tensor, persistent=True):
        _check_name(self, name, self._buffers)
        if tensor is not None and not isinstance(tensor, torch.Tensor):
            raise TypeError(
                f"cannot assign '{_type_name(tensor)}' object to buffer '{name}' "
                "(torch Tensor or None required)"
            )
        self._buffers[name] = tensor
        if tensor is not None:
            registered(self, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name, module):
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{_type_name(module)} is not a Module subclass")
        _check_name(self, name, self._modules)
        self._modules[name] = module

    def register_module(self, name, module):
        self.add_module(name, module)

    def get_submodule(self, target):
        module = self
        for name in target.split(".") if target else []:
            if name not in module._modules:
                raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
            module = module._modules[name]
        return module

    def get_parameter(self, target):
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if name not in module._parameters:
            raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
        return module._parameters[name]

    def get_buffer(self, target):
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if name not in module._buffers:
            raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
        return module._buffers[name]

    # Walks. Shared parameters and modules are met once, as in torch; lists stand in for torch's generators.

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        found = []
        _walk_modules(self, prefix, remove_duplicate, found, [])
        return iter(found)

    def modules(self):
        return iter([module for _, module in self.named_modules()])

    def named_children(self):
        seen = []
        found = []
        for name, module in self._modules.items():
            if module is not None and not is_among(module, seen):
                seen.append(module)
                found.append((name, module))
        return iter(found)

    def children(self):
        return iter([module for _, module in self.named_children()])

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        return iter(_named_tensors(self, "_parameters", prefix, recurse, remove_duplicate))

    def parameters(self, recurse=True):
        return iter([parameter for _, parameter in self.named_parameters(recurse=recurse)])

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        return iter(_named_tensors(self, "_buffers", prefix, recurse, remove_duplicate))

    def buffers(self, recurse=True):
        return iter([buffer for _, buffer in self.named_buffers(recurse=recurse)])

    def state_dict(self, destination=None, prefix="", keep_vars=False):
        state = {} if destination is None else destination
        for name, module in self.named_modules(remove_duplicate=False):
            path = prefix + (name + "." if name else "")
            for key, value in module._parameters.items():
                if value is not None:
                    state[path + key] = value
            for key, value in module._buffers.items():
                if value is not None and key not in module._non_persistent_buffers_set:
                    state[path + key] = value
        return state

    def load_state_dict(self, state_dict, strict=True, assign=False):
        own = self.state_dict()
        if is_unknown(state_dict):
            for name, target in own.items():
                adopt(target, state_dict, name)
            return _IncompatibleKeys([], [])
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        problems = []
        if strict and unexpected:
            problems.append(f"Unexpected key(s) in state_dict: {_quoted(unexpected)}.")
        if strict and missing:
            problems.append(f"Missing key(s) in state_dict: {_quoted(missing)}.")
        for name, target in own.items():
            if name in state_dict:
                loaded = state_dict[name]
                if is_unknown(loaded):
                    adopt(target, loaded, name)
                elif tuple(loaded.shape) != tuple(target.shape):
                    problems.append(
                        f"size mismatch for {name}: the file has {tuple(loaded.shape)}, "
                        f"the model needs {tuple(target.shape)}."
                    )
                else:
                    adopt(target, loaded, name)
        if problems:
            title = f"Error(s) in loading state_dict for {type(self).__name__}: "
            fail("TL111", RuntimeError, title + " ".join(problems))
        return _IncompatibleKeys(missing, unexpected)

    # Modes and conversions.

    def train(self, mode=True):
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        object.__setattr__(self, "training", mode)
        for module in self.children():
            module.train(mode)
        return self

    def eval(self):
        return self.train(False)

    def apply(self, fn):
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def requires_grad_(self, requires_grad=True):
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self, set_to_none=True):
        return None

    def share_memory(self):
        return self

    def to(self, *args, **kwargs):
        dtype = kwargs.get("dtype")
        for argument in args:
            if isinstance(argument, torch.dtype):
                dtype = argument
            elif isinstance(argument, torch.Tensor):
                dtype = argument.dtype
        if dtype is None:
            return self
        if not dtype.is_floating_point:
            raise TypeError(f"nn.Module.to only accepts floating point or complex dtypes, but got {dtype}")
        return _convert_all(self, dtype)

    def type(self, dst_type):
        return _convert_all(self, dst_type)

    def float(self):
        return _convert_all(self, torch.float32)

    def double(self):
        return _convert_all(self, torch.float64)

    def half(self):
        return _convert_all(self, torch.float16)

    def bfloat16(self):
        return _convert_all(self, torch.bfloat16)

    def cpu(self):
        return self

    def cuda(self, device=None):
        return self

    def compile(self, *args, **kwargs):
        return None

    def extra_repr(self):
        return ""

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        return _hook(self._forward_pre_hooks, (hook, with_kwargs), prepend)

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        return _hook(self._forward_hooks, (hook, with_kwargs), prepend)

    def register_full_backward_hook(self, hook, prepend=False):
        return _Handle([], None)

    def register_backward_hook(self, hook):
        return _Handle([], None)


class _Handle:
    """What registering a hook returns."""

    def __init__(self, hooks, entry):
        self.hooks = hooks
        self.entry = entry

    def remove(self):
        if self.entry in self.hooks:
            self.hooks.remove(self.entry)


def _hook(hooks, entry, prepend):
    hooks.insert(0 if prepend else len(hooks), entry)
    return _Handle(hooks, entry)


def _call_with_hooks(module, args, kwargs):
    """Hooks may replace the arguments and the result; what is None leaves them as they are."""
    for hook, with_kwargs in module._forward_pre_hooks:
        changed = hook(module, args, kwargs) if with_kwargs else hook(module, args)
        if changed is not None and with_kwargs:
            args, kwargs = changed
        elif changed is not None:
            args = changed if isinstance(changed, tuple) else (changed,)
    result = module.forward(*args, **kwargs)
    for hook, with_kwargs in module._forward_hooks:
        changed = hook(module, args, kwargs, result) if with_kwargs else hook(module, args, result)
        if changed is not None:
            result = changed
    return result


class _IncompatibleKeys:
    """What `load_state_dict` returns."""

    def __init__(self, missing_keys, unexpected_keys):
        self.missing_keys = missing_keys
        self.unexpected_keys = unexpected_keys

    def __iter__(self):
        return iter([self.missing_keys, self.unexpected_keys])


def _forget(module, name, *registries):
    """A name means one thing: assigning a parameter or module removes whatever it was before."""
    if name in module.__dict__:
        object.__delattr__(module, name)
    for registry in registries:
        if name in registry:
            del registry[name]
    module._non_persistent_buffers_set.discard(name)


def _check_name(module, name, registry):
    if "_modules" not in module.__dict__:
        raise AttributeError("cannot register before Module.__init__() call")
    if not isinstance(name, str):
        raise TypeError(f"a name should be a string, got {_type_name(name)}")
    if "." in name:
        raise KeyError(f'the name can\'t contain ".", got: {name}')
    if name == "":
        raise KeyError('the name can\'t be empty string ""')
    if hasattr(module, name) and name not in registry:
        raise KeyError(f"attribute '{name}' already exists")


def _type_name(value):
    return type(value).__name__


def _quoted(names):
    shown = ", ".join([f'"{name}"' for name in names[:5]])
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _walk_modules(module, prefix, once, found, seen):
    if once:
        if is_among(module, seen):
            return
        seen.append(module)
    found.append((prefix, module))
    for name, child in module._modules.items():
        if child is not None:
            _walk_modules(child, f"{prefix}.{name}" if prefix else name, once, found, seen)


def _named_tensors(module, registry, prefix, recurse, once):
    seen = []
    found = []
    modules = module.named_modules(prefix=prefix, remove_duplicate=once) if recurse else [(prefix, module)]
    for path, owner in modules:
        for name, tensor in owner.__dict__[registry].items():
            if tensor is not None and not (once and is_among(tensor, seen)):
                seen.append(tensor)
                found.append((f"{path}.{name}" if path else name, tensor))
    return found


def _convert_all(module, dtype):
    for _, tensor in _named_tensors(module, "_parameters", "", True, True):
        convert(tensor, dtype)
    for _, tensor in _named_tensors(module, "_buffers", "", True, True):
        convert(tensor, dtype)
    return module
