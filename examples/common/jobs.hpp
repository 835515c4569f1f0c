// The work of `upscale`: which image becomes which file, in which size. All errors in it are found here, before
// anything is computed.
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

// The size of a result as given on the command line; if nothing is given, the network's own scale.
struct target_size {
    double scale = 0;                            // --scale, any ratio above 0
    int width = 0, height = 0, longest_side = 0; // in pixels; one of width and height alone keeps the aspect ratio

    bool is_given() const { return scale > 0 || width > 0 || height > 0 || longest_side > 0; }
    // Throws a usage error if two of the options contradict each other.
    void check() const;
    // Returns the size in pixels for an input of that size.
    fovea::extent of(fovea::extent input, int network_scale) const;
    // Returns the larger of the two magnifications for an input of that size; 0 if nothing is given.
    double ratio(fovea::extent input) const;
};

struct job {
    std::filesystem::path from, to; // "-": standard input or output
    std::vector<std::byte> bytes{}; // bytes read from standard input
    fovea::image_header header{};

    bool from_standard_input() const { return from == "-"; }
    bool to_standard_output() const { return to == "-"; }
    std::string input_name() const { return from_standard_input() ? "standard input" : from.string(); }
    std::string output_name() const { return to_standard_output() ? "standard output" : to.string(); }
    fovea::extent size() const { return {header.height, header.width}; }
    fovea::image read(const fovea::notice_function& notice) const;
    // Writes to the file, or to standard output.
    void write(const fovea::image& large, const fovea::write_options& how) const;
};

struct job_options {
    std::vector<std::string> inputs;
    std::string output;
    std::string format = "auto"; // "auto", "png", ...: the format of files in a folder and of standard output
    bool recursive = false, skip_existing = false, overwrite = false;
};

struct job_list {
    std::vector<job> jobs;
    std::size_t failed = 0;  // inputs that could not be read, reported on standard error
    std::size_t skipped = 0; // inputs whose results exist already
    std::size_t all() const { return jobs.size() + failed; }
};

// Lists the jobs. A single file goes to a file or into an existing folder; several files go into a folder, which is
// created. Throws if an output would replace an input, if two inputs would become one output, or if the output cannot
// be written. A single input that cannot be read is an error; one of several is reported and left out.
job_list list_jobs(const job_options& o);

// Reports the failure of a job; if it is the only one, throws it instead.
void tell_or_throw(const std::string& reason, bool alone);

} // namespace programs
