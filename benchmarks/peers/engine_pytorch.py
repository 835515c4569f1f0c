"""PyTorch with oneDNN: eager, frozen script, and compiled by inductor with frozen weights; each planar and channels last."""
VARIANTS = ("eager", "eager, channels last", "frozen script", "frozen script, channels last", "compiled",
            "compiled, channels last")


def version():
    import torch
    return "PyTorch " + torch.__version__


def load(task, variant):
    import torch

    import networks
    torch.set_num_threads(task.threads)
    torch.set_grad_enabled(False)
    net, x = networks.make(task.network), task.torch_input()
    if variant.endswith("channels last"):
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    if variant.startswith("frozen"):
        net = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net, x, check_trace=False)))
    if variant.startswith("compiled"):
        import torch._inductor.config as inductor
        inductor.freezing = True
        net = torch.compile(net, fullgraph=True, dynamic=False)

    def run():
        with torch.no_grad():  # inference mode would keep inductor from freezing
            return net(x)[0]
    return run
