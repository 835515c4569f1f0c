"""ONNX Runtime's CPU provider with every graph optimisation, its threads spinning between operations or not."""
VARIANTS = ("spinning", "parking")


def version():
    import onnxruntime
    return "ONNX Runtime " + onnxruntime.__version__


def load(task, variant):
    import onnxruntime as ort
    o = ort.SessionOptions()
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    o.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    o.intra_op_num_threads, o.inter_op_num_threads = task.threads, 1
    o.add_session_config_entry("session.intra_op.allow_spinning", "1" if variant == "spinning" else "0")
    session = ort.InferenceSession(str(task.folder / "net.onnx"), o, providers=["CPUExecutionProvider"])
    x = task.input()
    return lambda: session.run(None, {"x": x})[0][0]
