// Values beside the weights that are not read: carried by their names, never executed, no hindrance to the tensors.
#include "io/support.hpp"

using namespace fovea;
using fovea_test::contains;
using fovea_test::error_of;
using fovea_test::vector_file;

namespace {

std::string error_in(const std::string& name) {
    return error_of([&] { weights_of(read_tensor_file(vector_file(name))); });
}

std::vector<std::byte> bytes_of(const std::string& text) {
    std::vector<std::byte> bytes;
    for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
    return bytes;
}

std::string error_in_pickle(const std::string& pickle) {
    const auto bytes = bytes_of(pickle);
    return error_of([&] { detail::unpickler::read(bytes, "w"); });
}

std::string repeated(const std::string& part, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += part;
    return all;
}

} // namespace

TEST_CASE("foreign: values of every kind are carried by name beside the weights") {
    const auto file = read_tensor_file(vector_file("foreign.pt"));
    const std::map<std::string, std::string, std::less<>> expected = {
        {"called", "os.system"},
        {"namespace", "argparse.Namespace"},
        {"named_arguments", "mine.type"},
        {"instance", "mine.instance"},
        {"object", "mine.object"},
        {"of_call", "getattr"},
        {"reconstructed", "mine.old"},
        {"dtype", "torch.float32"},
        {"set", "set"},
        {"frozenset", "frozenset"},
        {"large", "int"},
        {"complex", "complex"},
        {"array", "numpy.ndarray"},
        {"path", "pathlib.PurePosixPath"},
        {"extension", "extension"},
        {"persistent", "persistent id"},
        {"persistent_tuple", "persistent id"},
        {"buffer", "buffer outside of the pickle"},
        {"quantised", "torch.QInt8Storage"},
        {"typeless", "torch.storage.UntypedStorage"},
        {"parameter_of_quantised", "torch.QInt8Storage"},
        {"sparse", "torch.sparse_coo"},
        {"subclass", "mine.subclass"},
        {"made_otherwise", "torch._utils._rebuild_other"},
        {"ordered", "collections.OrderedDict"},
        {"settings", "mine.settings"},
    };
    CHECK(file.opaque == expected);
    CHECK(file.tensors().size() == 3);
    for (const char* name : {"a.weight", "b.weight", "c.weight"}) { // plain, with state, with attributes
        const float first = float(name[0] - 'a');
        CHECK(to_floats(weights_of(file).at(name)) == std::vector{first, 1.f, 2.f, 3.f});
    }
}

TEST_CASE("foreign: keys of any kind, and classes that are used as dictionaries and lists") {
    const auto file = read_tensor_file(vector_file("foreign.pt"));
    CHECK(file.text("odd.0.5") == "x");
    CHECK(file.integer("odd.(1, y)") == 2);
    CHECK(file.integer("odd.None") == 3);
    CHECK(file.integer("odd.True") == 4);
    CHECK(file.integer("odd.mine.key") == 5);
    CHECK(file.integer("odd.(...)") == 6);
    CHECK(file.integer("like_dictionary.value") == 7);
    CHECK(file.integer("like_list.0") == 8);
    CHECK(file.integer("by_default.value") == 9);
}

TEST_CASE("foreign: the opcodes of pickles that are text") {
    const auto file = read_tensor_file(vector_file("foreign_texts.pt"));
    CHECK(file.integer("integer") == 12);
    CHECK(file.integer("long") == -34);
    CHECK(file.opaque.at("huge") == "int");
    CHECK(*file.find_value<bool>("true"));
    CHECK(*file.find_value<double>("real") == 0.25);
    CHECK(file.text("quoted") == "one");
    CHECK(file.text("unicode") == "two");
    CHECK(file.integer("list.0") == 5);
    CHECK(file.integer("again.0") == 5);
    CHECK(file.integer("dropped") == 3);
    CHECK(file.find("model/a.weight"));
    CHECK(contains(error_in_pickle("I12x\n."), "expected an integer, not 12x"));
    CHECK(contains(error_in_pickle("F1.5z\n."), "expected a number, not 1.5z"));
    CHECK(contains(error_in_pickle("S'one\n."), "expected a text in quotes"));
    CHECK(contains(error_in_pickle("I1\np-1\n."), "expected a place in the memo, not -1"));
    CHECK(contains(error_in_pickle("g4294967296\n."), "expected a place in the memo"));
    CHECK(contains(error_in_pickle("(o."), "an object without a class"));
    CHECK(contains(error_in_pickle("N(i."), "ends within a line"));
}

TEST_CASE("foreign: an error where a tensor needs such a value") {
    CHECK(contains(error_in("foreign_needed.pt"),
                   "expected an integer, not os.getpid, which is not understood and "
                   "never executed"));
}

TEST_CASE("foreign: a whole module is refused with what to save instead") {
    CHECK(contains(error_in("module.pt"), "module.pt: holds a whole module, mine.network, with its code"));
    CHECK(contains(error_in("module_beside.pt"), "holds a whole module as net, mine.network"));
    CHECK(contains(error_in("module_old.pt"), "holds a whole module, mine.network"));
    CHECK(contains(error_in("module_script.pt"), "holds a whole module, __torch__.mine.network"));
    for (const char* name : {"module.pt", "module_beside.pt", "module_old.pt", "module_script.pt"})
        CHECK(contains(error_in(name), "expected its weights, torch.save(model.state_dict(), ...)"));
}

TEST_CASE("foreign: limits hold for such values, too") {
    CHECK(contains(error_in_pickle(repeated("cm\nn\n0", 200'001) + "N."), "more than 200000 foreign names"));
    CHECK(contains(error_in_pickle(repeated("(", 1001)), "nests deeper than 1000 levels"));
    CHECK(contains(error_in_pickle("N)R."), "expected a global name"));
    CHECK(contains(error_in_pickle("cm\nn\nNR."), "expected a tuple of arguments"));
    CHECK(contains(error_in_pickle("NNb."), "expected a dictionary to give attributes to"));
}
