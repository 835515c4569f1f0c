"""OpenVINO's CPU plugin in float32, from ONNX or from the PyTorch module, planar input or channels last."""
VARIANTS = ("from ONNX", "from PyTorch", "from ONNX, channels last")


def version():
    import openvino
    return "OpenVINO " + openvino.__version__.split("-")[0]


def model_of(task, variant):
    import openvino as ov
    if variant == "from PyTorch":
        import torch

        import networks
        model = ov.convert_model(networks.make(task.network), example_input=torch.from_numpy(task.input()))
        model.reshape(list(task.input().shape))
        return model
    model = ov.Core().read_model(task.folder / "net.onnx")
    if variant.endswith("channels last"):
        steps = ov.preprocess.PrePostProcessor(model)
        steps.input().tensor().set_layout(ov.Layout("NHWC"))
        steps.input().model().set_layout(ov.Layout("NCHW"))
        model = steps.build()
    return model


def check_avx2(compiled):
    """oneDNN heeds ONEDNN_MAX_CPU_ISA; a few kernels of OpenVINO's own, as Reduce, do not."""
    for op in compiled.get_runtime_model().get_ops():
        kernel = op.rt_info["primitiveType"].astype(str)
        if op.rt_info["layerType"].astype(str) == "Convolution" and "avx512" in kernel:
            raise RuntimeError(f"runs {kernel} although told to do without AVX-512")


def load(task, variant):
    import numpy as np
    import openvino as ov
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": task.threads, "NUM_STREAMS": 1,
                "INFERENCE_PRECISION_HINT": "f32", "ENABLE_HYPER_THREADING": False}
    compiled = ov.Core().compile_model(model_of(task, variant), "CPU", settings)
    if task.isa == "avx2":
        check_avx2(compiled)
    x = task.input()
    if variant.endswith("channels last"):
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    request = compiled.create_infer_request()
    request.set_input_tensor(ov.Tensor(x, shared_memory=True))

    def run():
        request.infer()
        return request.get_output_tensor().data[0]
    run.keeps = x  # the tensor has its memory, not the array
    return run
