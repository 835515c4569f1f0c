// What the names of dictionaries and prefixes in a checkpoint say of the weights in them: an average over the steps of
// training, the state of an optimizer, a network that only training needs. Names are compared word by word, so that
// "params_ema", "state-dict.ema", "netG_EMA" and "emaModel" are all averages.
#pragma once
#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace fovea::detail {

// The words of a name in lower case; a capital begins one where a small letter is before it.
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
    bool average = false; // moving or plain average over steps
    bool helper = false;  // discriminator, network of a loss, an older state
    bool state = false;   // an optimizer's numbers, of the shapes of weights
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

// What programs call a network as a whole, around the names of its own layers.
inline bool is_wrapper(std::string_view component) {
    const auto words = words_of(component);
    return !words.empty() && std::all_of(words.begin(), words.end(), [](const std::string& word) {
        return is_one_of(word, {"module", "orig", "mod", "model", "net", "network", "netg", "g", "gen", "generator",
                                "ema", "average", "averaged", "avg", "swa", "shadow", "online", "student", "params"});
    });
}

} // namespace fovea::detail
