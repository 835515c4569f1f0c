"""ncnn in float32: packed layouts and light mode, its own choice of convolutions, F(4x4) at most, or no Winograd."""
VARIANTS = ("automatic", "Winograd up to F(4x4)", "no Winograd")


def version():
    import ncnn
    return "ncnn " + ncnn.__version__


def load(task, variant):
    import ncnn
    import numpy as np
    failure = task.folder / "net.ncnn.error"
    if failure.exists():
        raise RuntimeError("pnnx: " + failure.read_text())
    net = ncnn.Net()
    o = net.opt
    o.num_threads, o.lightmode, o.use_packing_layout, o.use_sgemm_convolution = task.threads, True, True, True
    o.use_fp16_packed = o.use_fp16_storage = o.use_fp16_arithmetic = o.use_bf16_storage = o.use_bf16_packed = False
    o.use_winograd_convolution = variant != "no Winograd"
    o.use_winograd63_convolution = variant == "automatic"
    blobs, workspace = ncnn.UnlockedPoolAllocator(), ncnn.PoolAllocator()
    o.blob_allocator, o.workspace_allocator = blobs, workspace
    if net.load_param(str(task.folder / "net.ncnn.param")) or net.load_model(str(task.folder / "net.ncnn.bin")):
        raise RuntimeError("cannot load what pnnx made of the network")
    array = task.input()  # must live until it is copied
    x = ncnn.Mat(array[0]).clone()

    def run():
        ncnn.set_omp_num_threads(task.threads)
        extractor = net.create_extractor()
        extractor.input("in0", x)
        status, y = extractor.extract("out0")
        if status:
            raise RuntimeError(f"extract ends with {status}")
        return Output(y)

    class Output:  # converted outside of the time
        def __init__(self, y):
            self.y = y

        def __array__(self, dtype=None, copy=None):
            return np.array(self.y, dtype=dtype)

    run.keeps = net, blobs, workspace  # must outlive the extractors
    return run
