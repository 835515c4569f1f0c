// A network as a table: shapes, parameters, products and receptive radii beside what is counted by hand, and the kernels
// that the CPU was given.
#include "fovea/graph/summary.hpp"

#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/layers/compose.hpp"
#include "fovea/layers/norm.hpp"
#include "fovea/layers/resize.hpp"
#include "fovea/model/model.hpp"
#include "support/catch.hpp"

using namespace fovea;

namespace {

using network = sequential<named<"first", conv<3, 32, 3, silu>>,
                           named<"body", residual<weight_norm<conv<32, 32, 3>>, layer_norm<32>>>,
                           named<"last", conv<32, 12, 1, identity, conv_options{.bias = false}>>, pixel_shuffle<2>>;

graph traced() { return detail::trace_network<network, cpu, inference>({}); }
const summary_row& row_of(const std::vector<summary_row>& rows, std::string_view layer) {
    const auto found = std::ranges::find(rows, layer, &summary_row::layer);
    REQUIRE(found != rows.end());
    return *found;
}

} // namespace

TEST_CASE("a summary has the shapes, parameters and products of each operation") {
    const auto rows = summary_of(traced(), {10, 20});
    const summary_row &first = row_of(rows, "first"), &body = row_of(rows, "body.0"), &last = row_of(rows, "last");
    CHECK(first.operation == "conv2d 3x3 silu");
    CHECK((first.size == extent{10, 20} && first.channels == 32));
    CHECK(first.parameters == 3 * 32 * 9 + 32);
    CHECK(first.multiply_adds == 3. * 32 * 9 * 10 * 20);
    CHECK(body.parameters == 32 * 32 * 9 + 32 + 32); // v, g and b: what the folded weight is made of
    CHECK(body.multiply_adds == 32. * 32 * 9 * 10 * 20);
    CHECK(last.parameters == 32 * 12);
    CHECK((rows.back().operation == "shuffle_pixels x2" && rows.back().size == extent{20, 40}));
    CHECK((rows.back().channels == 3 && rows.back().parameters == 0 && rows.back().multiply_adds == 0));
    std::size_t parameters = 0;
    for (auto& r : rows) parameters += r.parameters;
    CHECK(parameters == parameters_of<network>());
}

TEST_CASE("a summary has the receptive radius up to each operation") {
    const auto rows = summary_of(traced(), {10, 20});
    CHECK(row_of(rows, "first").radius == 1);
    CHECK(row_of(rows, "body.0").radius == 2);
    CHECK(row_of(rows, "last").radius == 2);
    CHECK(rows.back().radius == network::receptive_radius);
    const auto pooled = summary_of(shapes_of<sequential<conv<3, 4, 3>, global_average_pool>>(), {10, 20});
    CHECK(pooled.back().radius >= whole_image);
}

TEST_CASE("a summary says how an operation is computed, and in which format its result is kept") {
    graph g = traced();
    CHECK(row_of(summary_of(g, {8, 8}), "first").kernel == "direct"); // three inputs leave lanes of Winograd empty
    CHECK(row_of(summary_of(g, {8, 8}), "body.0").kernel == "winograd 4x4");
    lower_for_inference(g, precision_kind::bfloat16, nullptr, "");
    const auto rows = summary_of(g, {8, 8});
    CHECK(row_of(rows, "first").format == number_format::bfloat16);
    CHECK(rows.back().format == number_format::float32);
    CHECK(summary_of(shapes_of<network>(), {8, 8})[0].kernel.empty());
}

TEST_CASE("the text of a summary has a line for each operation, and the sums in the last") {
    const graph g = traced();
    const std::string text = text_of_summary(g, {10, 20});
    const auto lines = std::ranges::count(text, '\n');
    CHECK(lines == std::ptrdiff_t(g.operations.size()) + 3); // the titles, the input, the sums
    CHECK_THAT(text, Catch::Contains("10x20x3") && Catch::Contains("20x40x3") && Catch::Contains("first"));
    CHECK_THAT(text.substr(text.find("sum")), Catch::Contains(std::to_string(parameters_of<network>())));
    // (3 32 9 + 32 32 9 + 32 12) 200 = 2.1 million
    CHECK_THAT(text.substr(text.find("sum")), Catch::Contains("2.1 M"));
}
