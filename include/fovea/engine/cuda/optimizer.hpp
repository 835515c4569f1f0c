// Optimizer step on a device: update, moving average, clipping, and the check for values that are not finite, on
// contiguous parameters. Nothing waits; the report of a step is read when it is complete.
#pragma once
#include <cstring>
#include <memory>
#include <span>

#include "fovea/backend/cuda/buffer.hpp"
#include "fovea/engine/cuda/recordings.hpp"
#include "fovea/optimizer/cuda/adafactor.hpp"

namespace fovea {

namespace detail {

// A vector's elements in device memory, copied through pinned host memory.
template <class Device> class device_array {
  public:
    explicit device_array(Device& device) : device_(device), memory_(device) {}
    template <class T> void assign(std::span<const T> from, const char* what) {
        reserve<T>(from.size(), what);
        if (from.empty()) return;
        device_buffer<Device, memory_place::host> staging(device_);
        staging.reserve(from.size_bytes(), what);
        std::memcpy(staging.data(), from.data(), from.size_bytes());
        device_.upload(memory_.data(), staging.data(), from.size_bytes());
        device_.wait();
    }
    template <class T> void copy_to(std::span<T> to) const {
        if (to.empty()) return;
        device_buffer<Device, memory_place::host> staging(device_);
        staging.reserve(to.size_bytes(), "a copy");
        device_.download(staging.data(), memory_.data(), to.size_bytes());
        device_.wait();
        std::memcpy(to.data(), staging.data(), to.size_bytes());
    }
    template <class T> void reserve(std::size_t count, const char* what) {
        if (count > 0) memory_.reserve(count * sizeof(T), what);
    }
    template <class T> T* data() const { return reinterpret_cast<T*>(memory_.data()); }

  private:
    Device& device_;
    device_buffer<Device, memory_place::device> memory_;
};

// A table of parameter pieces in device memory.
template <class Device> struct device_pieces {
    device_array<Device> pieces, first;
    int count = 0, tensors = 0;

    device_pieces(Device& device, piece_table t)
        : pieces(device), first(device), count(int(t.pieces.size())), tensors(int(t.first.size())) {
        t.close();
        pieces.assign(std::span<const tensor_piece>(t.pieces), "a table of weights");
        first.assign(std::span<const int>(t.first), "a table of weights");
    }
    const tensor_piece* at() const { return pieces.template data<tensor_piece>(); }
    template <class F> piece_kernel<F> kernel(const F& f) const { return {at(), count, f}; }
};

} // namespace detail

template <class Device> class device_optimizer {
  public:
    device_optimizer(Device& device, std::span<const parameter> parameters)
        : device_(device),
          sizes_(sizes_of(parameters)),
          table_(device, table_of(sizes_)),
          squares_(device),
          report_(device),
          numbers_(device),
          average_(device),
          staging_(device),
          numbers_staging_(device) {
        for (auto& p : parameters) shapes_.push_back(shape_of(p));
        squares_.template reserve<double>(2 * std::size_t(table_.count), "sums of gradients");
        report_.template reserve<std::byte>(report_bytes(), "a report");
        staging_.reserve(report_bytes(), "a report");
        numbers_.template reserve<step_numbers>(1, "the numbers of a step");
        numbers_staging_.reserve(sizeof(step_numbers), "the numbers of a step");
    }

    const placement& where() const { return where_; }
    step_state* state() const { return report_.template data<step_state>(); }
    void begin_step() { device_.clear(state(), sizeof(step_state)); }

    // Copy the state of the optimizer and the averages (null: none) from and to the host.
    void upload(const state_vectors& of_optimizer, const std::vector<std::vector<float>>* averages) {
        where_.moved();
        states_.clear();
        for (auto* kind : of_optimizer) states_.push_back(uploaded(*kind));
        has_average_ = averages != nullptr;
        if (averages) average_.assign(std::span<const float>(joined(*averages)), "averages");
    }
    void download(const state_vectors& of_optimizer, std::vector<std::vector<float>>* averages) const {
        for (std::size_t k = 0; k < of_optimizer.size(); ++k) separate(*states_[k], *of_optimizer[k]);
        if (averages) separate(average_, *averages);
    }

    // A step from `gradients` to `weights`: upload() copies its numbers to the device, and step() launches kernels that
    // read them there, so that the same recorded kernels serve every step with the same rule.
    void upload(const weight_update& u) {
        if (std::holds_alternative<adafactor_options>(u.how) && !factored_)
            factored_ = std::make_unique<factored>(device_, shapes_, sizes_);
        const step_numbers n = step_numbers_of(u);
        std::memcpy(numbers_staging_.data(), &n, sizeof n); // report() has waited for the previous step to read it
        device_.upload(numbers_.template data<step_numbers>(), numbers_staging_.data(), sizeof n);
    }
    void step(const update_rule& how, float* weights, const float* gradients) {
        const auto* const numbers = numbers_.template data<step_numbers>();
        launch(square_pieces{table_.at(), table_.count, gradients, squares()});
        launch(judge_step{squares(), first(), table_.tensors, numbers, norms(), state()});
        const updated_weights all{state(), numbers, weights, has_average_ ? average_.template data<float>() : nullptr,
                                  gradients};
        std::visit([&](const auto& o) { step(o, all); }, how);
    }
    update_report report() {
        device_.download(staging_.data(), report_.template data<std::byte>(), report_bytes());
        device_.mark(reported_, device_lane::work);
        device_.wait(reported_); // does not wait for the upload of the next batch
        step_state s{};
        std::memcpy(&s, staging_.data(), sizeof s);
        update_report r{s.loss, s.norm, s.good != 0, std::vector<double>(sizes_.size())};
        std::memcpy(r.norms.data(), staging_.data() + sizeof s, r.norms.size() * sizeof(double));
        return r;
    }

  private:
    using array = detail::device_array<Device>;
    using pieces = detail::device_pieces<Device>;

    static std::vector<std::size_t> sizes_of(std::span<const parameter> parameters) {
        std::vector<std::size_t> sizes;
        for (auto& p : parameters) sizes.push_back(p.size());
        return sizes;
    }
    static piece_table table_of(const std::vector<std::size_t>& sizes) {
        piece_table t;
        for (std::size_t n : sizes) t.add(n);
        return t;
    }
    static factored_tensor shape_of(const parameter& p) {
        const auto rank = std::size_t(p.rank);
        if (rank < 2) return {0, 0, 0, 1, 0};
        return {0, 0, 0, p.dims[rank - 2], p.dims[rank - 1]};
    }

    std::size_t report_bytes() const { return sizeof(step_state) + sizes_.size() * sizeof(double); }
    double* squares() const { return squares_.template data<double>(); }
    double* norms() const { return reinterpret_cast<double*>(state() + 1); }
    const int* first() const { return table_.first.template data<int>(); }
    float* remembered(std::size_t kind) const { return states_[kind]->template data<float>(); }
    template <class Kernel> void launch(const Kernel& k) {
        if (const int blocks = k.blocks()) Device::launch(device_.queue(), k, blocks);
    }

    static std::vector<float> joined(const std::vector<std::vector<float>>& parts) {
        std::vector<float> all;
        for (auto& part : parts) all.insert(all.end(), part.begin(), part.end());
        return all;
    }
    std::unique_ptr<array> uploaded(const std::vector<std::vector<float>>& parts) {
        auto made = std::make_unique<array>(device_);
        made->assign(std::span<const float>(joined(parts)), "the optimizer's memory");
        return made;
    }
    static void separate(const array& from, std::vector<std::vector<float>>& parts) {
        auto all = joined(parts);
        from.copy_to(std::span<float>(all));
        const float* at = all.data();
        for (auto& part : parts) at = (std::copy_n(at, part.size(), part.begin()), at + part.size());
    }

    void step(const adam_options&, const updated_weights& all) {
        launch(table_.kernel(adam_update{all, remembered(0), remembered(1)}));
    }
    void step(const sgd_options& o, const updated_weights& all) {
        launch(table_.kernel(sgd_update(all, remembered(0), o)));
    }
    void step(const adafactor_options& o, const updated_weights& all) {
        factored& f = *factored_;
        const adafactor_state s{all,
                                f.tensors.template data<factored_tensor>(),
                                remembered(0),
                                remembered(1),
                                f.means.template data<float>(),
                                float(o.eps1)};
        const auto* begins = f.begins.template data<std::ptrdiff_t>();
        launch(f.rows.kernel(adafactor_moments{s, begins, false}));
        launch(f.columns.kernel(adafactor_moments{s, begins, true}));
        launch(f.matrices.kernel(adafactor_means{s}));
        launch(adafactor_squares{s, table_.at(), table_.count, squares()});
        float* const factors = f.factors.template data<float>();
        launch(adafactor_factors{squares(), table_.at(), first(), table_.tensors, o.eps2, o.d, all.numbers, factors});
        launch(table_.kernel(adafactor_update{s, factors}));
    }

    // Additional memory for Adafactor.
    struct factored {
        pieces rows, columns, matrices;
        array tensors, begins, means, factors;

        factored(Device& device, std::vector<factored_tensor> shapes, const std::vector<std::size_t>& sizes)
            : factored(device, tables(shapes, sizes), shapes, sizes) {}

      private:
        struct all_tables {
            piece_table rows, columns, matrices;
            std::vector<std::ptrdiff_t> begins;
        };
        // Sets the offsets of each tensor's rows, columns and matrices.
        static all_tables tables(std::vector<factored_tensor>& shapes, const std::vector<std::size_t>& sizes) {
            all_tables all;
            std::ptrdiff_t begin = 0;
            for (std::size_t k = 0; k < shapes.size(); ++k) {
                factored_tensor& t = shapes[k];
                const std::size_t n = sizes[k], each = std::size_t(t.rows) * std::size_t(t.columns),
                                  matrices = t.factored() ? n / each : 0;
                t.rows_begin = all.rows.numbers, t.columns_begin = all.columns.numbers;
                t.matrices_begin = all.matrices.numbers;
                all.rows.add(t.factored() ? matrices * std::size_t(t.rows) : n);
                all.columns.add(matrices * std::size_t(t.columns)), all.matrices.add(matrices);
                all.begins.push_back(begin), begin += std::ptrdiff_t(n);
            }
            return all;
        }
        factored(Device& device, const all_tables& all, const std::vector<factored_tensor>& shapes,
                 const std::vector<std::size_t>& sizes)
            : rows(device, all.rows),
              columns(device, all.columns),
              matrices(device, all.matrices),
              tensors(device),
              begins(device),
              means(device),
              factors(device) {
            constexpr const char* what = "the optimizer's memory";
            tensors.assign(std::span<const factored_tensor>(shapes), what);
            begins.assign(std::span<const std::ptrdiff_t>(all.begins), what);
            means.template reserve<float>(std::size_t(all.matrices.numbers), what);
            factors.template reserve<float>(sizes.size(), what);
        }
    };

    Device& device_;
    std::vector<std::size_t> sizes_;
    std::vector<factored_tensor> shapes_;
    pieces table_;
    array squares_, report_, numbers_; // report: step_state, then the norms
    array average_;
    bool has_average_ = false;
    device_buffer<Device, memory_place::host> staging_, numbers_staging_;
    std::vector<std::unique_ptr<array>> states_; // one for each kind of state
    std::unique_ptr<factored> factored_;
    placement where_;
    typename Device::event reported_;
};

} // namespace fovea
