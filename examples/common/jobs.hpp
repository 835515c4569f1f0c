// What `upscale` is asked to do: which image becomes which file, of which size. All that can be wrong with it is found
// here, before anything is computed.
#pragma once
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "fovea/core/notice.hpp"
#include "fovea/graph/graph.hpp"
#include "fovea/image/image.hpp"
#include "fovea/io/image/header.hpp"
#include "fovea/io/image/write.hpp"

namespace programs {

// The size of a result, as the command line asks for it; nothing given: the network's own scale.
struct target_size {
    double scale = 0;                            // --scale, any ratio above 0
    int width = 0, height = 0, longest_side = 0; // in pixels; one of width and height keeps the shape of the picture

    bool is_given() const { return scale > 0 || width > 0 || height > 0 || longest_side > 0; }
    // Throws a usage error where two of them contradict each other.
    void check() const;
    // In pixels, for an input of that size.
    fovea::extent of(fovea::extent input, int network_scale) const;
    // By how much the longer way of an input of that size is magnified; 0 where nothing is given.
    double ratio(fovea::extent input) const;
};

struct job {
    std::filesystem::path from, to; // "-": standard input or output
    std::vector<std::byte> bytes{}; // of standard input
    fovea::image_header header{};

    bool from_standard_input() const { return from == "-"; }
    bool to_standard_output() const { return to == "-"; }
    std::string input_name() const { return from_standard_input() ? "standard input" : from.string(); }
    std::string output_name() const { return to_standard_output() ? "standard output" : to.string(); }
    fovea::extent size() const { return {header.height, header.width}; }
    fovea::image read(const fovea::notice_function& notice) const;
    // Writes to the file, or to standard output in that format.
    void write(const fovea::image& large, const fovea::write_options& how) const;
};

struct job_options {
    std::vector<std::string> inputs;
    std::string output;
    std::string format = "auto"; // or "png", ...: of files in a folder, and of standard output
    bool recursive = false, skip_existing = false, overwrite = false;
};

struct job_list {
    std::vector<job> jobs;
    std::size_t failed = 0;  // inputs that cannot be read, told on standard error
    std::size_t skipped = 0; // whose results are there already
    std::size_t all() const { return jobs.size() + failed; }
};

// One file goes to a file, or into a folder that exists; several go into a folder, which is made. Throws where an
// output would replace an input, two inputs would become one output, or the output cannot be written. One input that
// cannot be read is an error; of several it is told and left out.
job_list list_jobs(const job_options& o);

// Tells of a job of several why it cannot be done; of a single one it is thrown.
void tell_or_throw(const std::string& reason, bool alone);

} // namespace programs
