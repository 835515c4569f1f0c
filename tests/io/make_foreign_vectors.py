#!/usr/bin/env python3
"""Makes vectors/foreign*.pt and vectors/module*.pt: weights beside values of every kind that checkpoints have and that
are not read. The pickles are written opcode by opcode, so that this needs Python alone.

    python3 make_foreign_vectors.py
"""
import io
import pathlib
import struct
import zipfile

folder = pathlib.Path(__file__).parent / "vectors"

NONE, MARK, APPENDS, SETITEMS, REDUCE, BUILD, NEWOBJ, NEWOBJ_EX = b"N", b"(", b"e", b"u", b"R", b"b", b"\x81", b"\x92"


def name(module, attribute):
    return f"c{module}\n{attribute}\n".encode()


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value):
    return b"\x8a\x08" + struct.pack("<q", value)


def real(value):
    return b"G" + struct.pack(">d", value)


def long(size):
    return b"\x8a" + bytes([size]) + bytes(size - 1) + b"\x01"


def items(*values):
    return MARK + b"".join(values) + b"t"


def pairs(**entries):
    return b"".join(text(key) + value for key, value in entries.items())


def dictionary(**entries):
    return b"}" + MARK + pairs(**entries) + SETITEMS


def call(function, *arguments):
    return function + items(*arguments) + REDUCE


def storage(key, type="FloatStorage", module="torch"):
    return items(text("storage"), name(module, type), text(str(key)), text("cpu"), number(4)) + b"Q"


EMPTY = call(name("collections", "OrderedDict"))
VIEW = (number(0), items(number(2), number(2)), items(number(2), number(1)), b"\x89", EMPTY)


def tensor(key, **how):
    return call(name("torch._utils", "_rebuild_tensor_v2"), storage(key, **how), *VIEW)


def parameter_with_state(key):
    return call(name("torch._utils", "_rebuild_parameter_with_state"), tensor(key), b"\x88", EMPTY, dictionary(note=text("x")))


def from_type(key, *type):
    return call(name("torch._tensor", "_rebuild_from_type_v2"), name("torch._utils", "_rebuild_tensor_v2"), name(*type),
                items(storage(key), *VIEW), dictionary(note=text("x")))


def archive(pickled, storages):
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as z:
        entries = [("data.pkl", pickled), *((f"data/{key}", struct.pack("<4f", key, 1, 2, 3)) for key in range(storages))]
        for entry, body in entries:
            z.writestr(zipfile.ZipInfo("archive/" + entry, (2020, 1, 1, 0, 0, 0)), body)
    return result.getvalue()


def protocol(version, value):
    return b"\x80" + bytes([version]) + value + b"."


def foreign():
    module = name("mine", "settings") + b")" + NEWOBJ
    array = call(name("numpy._core.multiarray", "_reconstruct"), name("numpy", "ndarray"), items(number(0)), b"C\x01b")
    kinds = dict(
        called=call(name("os", "system"), text("true")),
        namespace=name("argparse", "Namespace") + b")" + NEWOBJ + dictionary(lr=real(0.1)) + BUILD,
        named_arguments=name("mine", "type") + b")" + dictionary(a=NONE) + NEWOBJ_EX,
        instance=b"(" + number(1) + b"imine\ninstance\n",
        object=b"(" + name("mine", "object") + number(1) + b"o",
        of_call=call(call(name("builtins", "getattr"), name("mine", "type"), text("make"))),
        reconstructed=call(name("copyreg", "_reconstructor"), name("mine", "old"), name("builtins", "object"), NONE),
        dtype=name("torch", "float32"),
        set=b"\x8f" + MARK + number(1) + number(2) + b"\x90",
        frozenset=MARK + number(1) + b"\x91",
        large=long(12),
        complex=call(name("__builtin__", "complex"), real(1), real(2)),
        array=array + items(number(1), b"C\x01b") + BUILD,
        path=call(name("pathlib", "PurePosixPath"), text("a"), text("b")),
        extension=b"\x82\x01",
        persistent=b"Pone\n",
        persistent_tuple=items(text("other"), number(1)) + b"Q",
        buffer=b"\x97\x98",
        bytearray=b"\x96" + struct.pack("<Q", 2) + b"ab",
        quantised=tensor(0, type="QInt8Storage"),
        typeless=tensor(0, type="UntypedStorage", module="torch.storage"),
        parameter_of_quantised=call(name("torch._utils", "_rebuild_parameter"), tensor(0, type="QInt8Storage"), b"\x88", EMPTY),
        sparse=call(name("torch._utils", "_rebuild_sparse_tensor"), name("torch", "sparse_coo"), items()),
        subclass=from_type(0, "mine", "subclass"),
        made_otherwise=call(name("torch._tensor", "_rebuild_from_type_v2"), name("torch._utils", "_rebuild_other"),
                            name("torch", "Tensor"), items(), NONE),
        ordered=call(name("collections", "OrderedDict"), name("mine", "items") + b")" + NEWOBJ),
    )
    odd = (b"}" + MARK + real(0.5) + text("x") + items(number(1), text("y")) + number(2) + NONE + number(3) + b"\x88" + number(4) +
           name("mine", "key") + number(5) + b"]" + number(6) + SETITEMS)
    like_dictionary = name("mine", "dict") + b")" + NEWOBJ + MARK + pairs(value=number(7)) + SETITEMS
    like_list = name("mine", "list") + b")" + NEWOBJ + MARK + number(8) + APPENDS
    by_default = call(name("collections", "defaultdict"), name("builtins", "list")) + MARK + pairs(value=number(9)) + SETITEMS
    model = dictionary(**{"a.weight": tensor(0), "b.weight": parameter_with_state(1), "c.weight": from_type(2, "torch", "Tensor")})
    return dictionary(model=model, settings=module, odd=odd, like_dictionary=like_dictionary, like_list=like_list,
                      by_default=by_default, **kinds)


def texts():
    """Opcodes of protocol 0."""
    body = b"(dp0\n" + b"".join(
        b"V" + key.encode() + b"\n" + value + b"s"
        for key, value in dict(integer=b"I12\n", long=b"L-34L\n", huge=b"L" + b"9" * 30 + b"L\n", true=b"I01\n", real=b"F0.25\n",
                               quoted=b"S'one'\n", unicode=b"Vtwo\n", list=b"(lp1\nI5\na", again=b"g1\n",
                               dropped=b"(I1\n0I2\n0" + b"0" + b"I3\n").items())
    return body + b"Vmodel\n" + dictionary(**{"a.weight": tensor(0)}) + b"s."


def module(attributes):
    return name("mine", "network") + b")" + NEWOBJ + attributes + BUILD


def main():
    parameters = dictionary(training=b"\x89", _parameters=dictionary(weight=tensor(0)), _modules=EMPTY)
    needed = call(name("torch._utils", "_rebuild_tensor_v2"), storage(0), call(name("os", "getpid")), *VIEW[1:])
    for file, pickled, storages in (
            ("foreign", protocol(4, foreign()), 3), ("foreign_texts", texts(), 1), ("foreign_needed", protocol(2, dictionary(t=needed)), 1),
            ("module", protocol(2, module(parameters)), 1), ("module_beside", protocol(2, dictionary(net=module(parameters), epoch=number(3))), 1),
            ("module_old", protocol(2, items(text("module"), name("mine", "network"), text("net.py"), text("")) + b"Q" + b")" + NEWOBJ +
                                    parameters + BUILD), 1),
            ("module_script", protocol(2, name("__torch__.mine", "network") + b")" + NEWOBJ + dictionary(a=tensor(0)) + BUILD), 1)):
        (folder / (file + ".pt")).write_bytes(archive(pickled, storages))


main()
