// The state of a training run in a file. Weights have their own names, so that a checkpoint is also a weight file; the
// optimizer's state and the averages begin with "<prefix>optimizer/" and "<prefix>average/"; counts are metadata.
#pragma once
#include <cstdint>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "fovea/io/weights/tensor_file.hpp"
#include "fovea/model/trainable.hpp"
#include "fovea/optimizer/loss_scaler.hpp"

namespace fovea::detail {

struct training_counts {
    std::int64_t bad_steps = 0;
    int bad_in_a_row = 0;
    int returns = 0;      // returns to a kept state in the whole run
    loss_scaler scaler{}; // used where gradients may vanish
};

// The objects whose state a file holds. averages: there is a moving average.
struct training_state {
    basic_trainable<float>& net;
    any_optimizer& optimizer;
    moving_average& average;
    bool averages;

    void save(tensor_file& file, const std::string& prefix, const training_counts& counts) const {
        const auto add = [&](const std::string& name, std::span<const float> v, std::vector<std::int64_t> shape) {
            file.add(fovea::tensor_of(prefix + name, std::move(shape), v));
        };
        const auto& parameters = net.parameters();
        for (auto* all : {&net.parameters(), &net.buffers()})
            for (auto& p : *all) add(p.name, p.values(), shape_of(p));
        optimizer.each_state([&](const std::string& kind, std::vector<std::vector<float>>& of) {
            for (std::size_t k = 0; k < of.size(); ++k)
                add("optimizer/" + kind + '/' + parameters[k].name, of[k], {std::int64_t(of[k].size())});
        });
        if (averages)
            for (std::size_t k = 0; k < parameters.size(); ++k)
                add("average/" + parameters[k].name, average.numbers()[k], shape_of(parameters[k]));
        const auto note = [&](const char* what, std::string value) { file.metadata[prefix + what] = std::move(value); };
        note("trainer.optimizer", std::string(optimizer.name()));
        note("trainer.steps", std::to_string(optimizer.steps()));
        note("trainer.average_steps", std::to_string(average.steps()));
        note("trainer.bad_steps", std::to_string(counts.bad_steps));
        note("trainer.bad_in_a_row", std::to_string(counts.bad_in_a_row));
        note("trainer.returns", std::to_string(counts.returns));
        if (net.engine().gradients_may_vanish()) {
            const loss_scaler& s = counts.scaler;
            note("trainer.loss_scale", text_of(std::int64_t(s.scale), ' ', s.good, ' ', s.bad));
        }
    }

    // Throws one line if the file does not hold such a state; nothing is changed then. scaler: the one in use, for
    // files without one.
    training_counts load(const tensor_file& file, const std::string& prefix, loss_scaler scaler) const {
        if (entry(file, prefix + "trainer.optimizer") != optimizer.name())
            fail(file.source, ": holds the state of the optimizer ", entry(file, prefix + "trainer.optimizer"),
                 ": expected ", optimizer.name());
        std::vector<std::pair<std::span<float>, const stored_tensor*>> found;
        const auto find = [&](const std::string& name, std::span<float> to) {
            const stored_tensor& t = file.at(prefix + name);
            if (std::size_t(t.size()) != to.size() || t.type != dtype::f32)
                fail(file.source, ": tensor ", t.name, ' ', text_of_shape(t.shape), ": expected ", to.size(),
                     " numbers of type F32");
            found.emplace_back(to, &t);
        };
        const auto& parameters = net.parameters();
        for (auto* all : {&net.parameters(), &net.buffers()})
            for (auto& p : *all) find(p.name, p.values());
        optimizer.each_state([&](const std::string& kind, std::vector<std::vector<float>>& of) {
            for (std::size_t k = 0; k < of.size(); ++k) find("optimizer/" + kind + '/' + parameters[k].name, of[k]);
        });
        if (averages)
            for (std::size_t k = 0; k < parameters.size(); ++k)
                find("average/" + parameters[k].name, average.numbers()[k]);
        const auto number = [&](const char* what) { return std::stoll(entry(file, prefix + what)); };
        const std::int64_t steps = number("trainer.steps"), average_steps = number("trainer.average_steps");
        const training_counts counts{.bad_steps = number("trainer.bad_steps"),
                                     .bad_in_a_row = int(number("trainer.bad_in_a_row")),
                                     .returns = int(number("trainer.returns")),
                                     .scaler = scaler_of(file, prefix, scaler)};
        for (auto& [to, t] : found) std::ranges::copy(to_floats(*t), to.begin());
        optimizer.steps() = steps, average.steps() = average_steps;
        return counts;
    }

  private:
    static std::vector<std::int64_t> shape_of(const parameter& p) {
        return {p.dims.begin(), p.dims.begin() + std::max(p.rank, 1)};
    }
    static const std::string& entry(const tensor_file& file, const std::string& name) {
        const auto found = file.metadata.find(name);
        if (found == file.metadata.end()) fail(file.source, ": is no checkpoint of a training run: has no ", name);
        return found->second;
    }
    static loss_scaler scaler_of(const tensor_file& file, const std::string& prefix, loss_scaler s) {
        const auto scale = file.metadata.find(prefix + "trainer.loss_scale");
        if (scale != file.metadata.end()) std::istringstream(scale->second) >> s.scale >> s.good >> s.bad;
        return s;
    }
};

} // namespace fovea::detail
