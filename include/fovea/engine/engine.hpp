// What runs a network's graph elsewhere than on the threads of a context: on a GPU. A backend that has one says so by
//
//   std::unique_ptr<engine> make_engine(Backend, const graph&, const weight_store&)
//
// whose graph outlives it and whose weights are prepared; it copies them.
#pragma once
#include <memory>
#include <type_traits>

#include "fovea/engine/run_options.hpp"
#include "fovea/graph/weights.hpp"
#include "fovea/image/samples_view.hpp"
#include "fovea/ops/pixels.hpp"

namespace fovea {

class engine {
  public:
    virtual ~engine() = default;

    // The network's output for samples of RGB that stand for such values. Where there is one colour, it fills all
    // channels of the network's input, and takes the mean of its output. In two parts, so that the host, its copies to
    // and from the device and the device work beside each other: submit() of up to `at_once` images, `out` being what
    // result() will be given, but for its data; and result() of the first that was submitted. submit() returns false
    // when it was stopped: it then has no result. `finite` becomes false where a value of the output is not finite.
    static constexpr int at_once = 2;
    virtual bool submit(samples_view<const std::byte> in, samples_view<std::byte> out, pixel_values,
                        const run_options&) = 0;
    virtual void result(samples_view<std::byte> out, bool& finite) = 0;
    virtual void drop() noexcept = 0; // results that nobody will ask for
};

using engine_maker = std::unique_ptr<engine> (*)(const graph&, const weight_store&);

namespace detail {
template <class Backend>
concept has_engine = requires(const graph& g, const weight_store& w) {
    make_engine(Backend{}, g, w);
};
template <class Backend> constexpr engine_maker engine_maker_of() {
    if constexpr (has_engine<Backend>)
        return [](const graph& g, const weight_store& w) { return make_engine(Backend{}, g, w); };
    else
        return nullptr;
}
} // namespace detail

} // namespace fovea
