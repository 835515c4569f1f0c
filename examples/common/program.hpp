// Shared by the programs: options spelled with - or _, exit codes, errors of one line, a progress bar.
#pragma once
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "fovea/core/error.hpp"

namespace programs {

// Makes "--memory_budget" an alias of "--memory-budget".
inline std::string both_spellings(const std::string& name) {
    std::string other = name;
    std::replace(other.begin() + 2, other.end(), '-', '_');
    return other == name ? name : name + "," + other;
}

struct common_options {
    int threads = 0; // 0: as many as the machine has
    std::string device = "cpu";
    unsigned long long seed = 0;

    int gpu = -1; // the number in --device cuda:N; -1: none was given

    void add_to(CLI::App& app) {
        app.add_option("--threads", threads, "threads; 0: as many as the machine has")->check(CLI::Range(0, 1024));
        app.add_option_function<std::string>(
            "--device", [this](const std::string& name) { choose_device(name); },
            "where to compute: cpu, cuda, or cuda:N for GPU number N");
        app.add_option("--seed", seed, "seed of whatever is random");
    }
    void choose_device(const std::string& name) {
        const bool numbered = name.starts_with("cuda:") && name.size() > 5 && name.size() < 9 &&
                              name.find_first_not_of("0123456789", 5) == std::string::npos;
        if (!numbered && name != "cpu" && name != "cuda")
            throw CLI::ValidationError("--device", name + ": expected cpu, cuda or cuda:N");
        gpu = numbered ? std::stoi(name.substr(5)) : -1;
        device = numbered ? "cuda" : name;
    }
    // For programs that cannot use a GPU.
    void check() const {
        if (device == "cuda") fovea::fail("--device cuda: this program does not compute on a GPU: expected cpu");
    }
};

// An error in the combination of options, independent of any file.
class usage_error : public fovea::error {
  public:
    using fovea::error::error;
};
template <class... Parts> [[noreturn]] void fail_usage(const Parts&... parts) {
    throw usage_error(fovea::text_of(parts...));
}

// Returns the arguments in the form that CLI11 takes literally. In options with several values it would split "[a, b]"
// at the comma and drop the brackets; "./[a, b]" is the same file.
inline std::vector<std::string> literal_arguments(int argc, char** argv) {
    std::vector<std::string> all;
    for (int i = argc; i-- > 1;) { // CLI11 expects them in reverse order
        std::string argument = argv[i];
        all.push_back(argument.starts_with('[') && argument.ends_with(']') ? "./" + argument : argument);
    }
    return all;
}

// Parses the options and calls run(). Returns the exit code: 0, 2 for a usage error, 1 for any other error. Errors are
// one line on standard error.
template <class F> int run_program(CLI::App& app, int argc, char** argv, F run) {
    try {
        app.name(argc > 0 ? argv[0] : "");
        app.parse(literal_arguments(argc, argv));
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0) return app.exit(e);
        std::fprintf(stderr, "error: %s (see --help)\n", e.what());
        return 2;
    }
    try {
        run();
        return 0;
    } catch (const usage_error& e) {
        std::fprintf(stderr, "error: %s (see --help)\n", e.what());
        return 2;
    } catch (const std::bad_alloc&) {
        std::fprintf(stderr, "error: out of memory: expected a smaller image, or a smaller --memory-budget\n");
    } catch (const std::exception& e) {
        std::fprintf(stderr, "error: %s\n", e.what());
    }
    return 1;
}

// Progress on standard error: on a terminal a bar with rate and remaining time, else a line every ten seconds.
class progress_bar {
  public:
    // pixels: of the whole work, for the rate; 0: no rate.
    explicit progress_bar(std::string what, double pixels = 0) : what_(std::move(what)), pixels_(pixels) {}
    ~progress_bar() {
        if (drawn_ && terminal_) std::fprintf(stderr, "\r\033[K");
    }
    void operator()(double done) {
        const double now = seconds();
        if (done >= 1 || now - last_ < (terminal_ ? 0.1 : 10)) return;
        last_ = now, drawn_ = true;
        const double left = now / done - now;
        char rate[32] = "";
        if (pixels_ > 0) std::snprintf(rate, sizeof rate, "%.2f Mpixel/s, ", done * pixels_ / now * 1e-6);
        if (!terminal_) {
            std::fprintf(stderr, "%s: %.0f %%, %s%.0f s left\n", what_.c_str(), 100 * done, rate, left);
            return;
        }
        constexpr int width = 30;
        const std::string bar(std::size_t(done * width), '#');
        std::fprintf(stderr, "\r\033[K%s [%-*s] %3.0f %% %s%.0f s left", what_.c_str(), width, bar.c_str(), 100 * done,
                     rate, left);
        std::fflush(stderr);
    }
    void say(std::string what) { what_ = std::move(what); } // shown from the next call on
    double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

  private:
    std::string what_;
    double pixels_, last_ = 0;
    bool terminal_ = isatty(STDERR_FILENO), drawn_ = false;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

} // namespace programs
