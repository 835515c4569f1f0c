// Infers from the names of dictionaries and prefixes whether weights are an average over training steps, the state of
// an optimizer, or a network that only training needs. Names are compared word by word, so that "params_ema",
// "state-dict.ema", "netG_EMA" and "emaModel" all are averages.
#pragma once
#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace fovea::detail {

// Returns the words of a name in lower case; a capital after a small letter begins a word.
inline std::vector<std::string> words_of(std::string_view name) {
    std::vector<std::string> words;
    bool inside = false, was_lower = false;
    for (const char c : name) {
        const auto u = static_cast<unsigned char>(c);
        if (!std::isalnum(u)) {
            inside = was_lower = false;
            continue;
        }
        if (!inside || (std::isupper(u) && was_lower)) words.emplace_back();
        words.back() += static_cast<char>(std::tolower(u));
        inside = true, was_lower = std::islower(u) != 0;
    }
    return words;
}

inline bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

struct weight_roles {
    bool average = false; // a moving or plain average over steps
    bool helper = false;  // a discriminator, the network of a loss, or an older state
    bool state = false;   // state of an optimizer, which has the shapes of weights
};

inline weight_roles roles_of(std::string_view path) {
    weight_roles roles;
    const auto words = words_of(path);
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        const bool denied = i > 0 && is_one_of(words[i - 1], {"no", "non", "not", "without"});
        const bool of_network = i > 0 && is_one_of(words[i - 1], {"net", "network", "model", "params"});
        if (is_one_of(word, {"ema", "emas", "average", "averaged", "averages", "avg", "swa", "polyak", "shadow"}))
            roles.average = roles.average || !denied;
        else if (is_one_of(word, {"discriminator", "disc", "critic", "netd", "vgg", "perceptual", "lpips", "loss",
                                  "criterion", "teacher", "last"}) ||
                 (word == "d" && of_network))
            roles.helper = true;
        else if (is_one_of(word, {"optimizer", "optimizers", "optim", "optimiser", "opt", "momentum", "grad", "grads",
                                  "gradients", "scheduler", "schedulers", "scaler"}))
            roles.state = true;
    }
    return roles;
}

// Returns whether a part of a name stands for a whole network, around the names of its layers.
inline bool is_wrapper(std::string_view component) {
    const auto words = words_of(component);
    return !words.empty() && std::all_of(words.begin(), words.end(), [](const std::string& word) {
        return is_one_of(word, {"module", "orig", "mod", "model", "net", "network", "netg", "g", "gen", "generator",
                                "ema", "average", "averaged", "avg", "swa", "shadow", "online", "student", "params"});
    });
}

} // namespace fovea::detail
