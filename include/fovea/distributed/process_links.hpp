// A training_group over TCP, for POSIX systems. Each process has a connection to process 0, which adds the numbers of
// the others in the order of their ranks and sends back the sum. A program that trains in one process does not need it.
#pragma once
#include <cstdint>
#include <cstring>
#include <thread>

#include "fovea/distributed/process_place.hpp"
#include "fovea/distributed/socket.hpp"
#include "fovea/distributed/training_group.hpp"

namespace fovea {

class process_links final : public training_group {
  public:
    // Waits until all processes are connected. Throws if that takes longer than `deadline` seconds or a process belongs
    // to another run.
    explicit process_links(const process_place& place, double deadline = 600) : place_(place), deadline_(deadline) {
        const auto until = tcp_socket::in(deadline);
        is_first() ? gather(until) : join(until);
    }

    int rank() const override { return place_.rank; }
    int size() const override { return place_.size; }
    double deadline() const override { return deadline_; }

    void sum(std::span<float> of) override { sum_of(of); }
    void sum(std::span<double> of) override { sum_of(of); }
    void broadcast(std::span<std::byte> of) override {
        const auto until = tcp_socket::in(deadline_);
        each_other([&](int other) {
            is_first() ? send(other, message::broadcast, of, until) : receive(other, message::broadcast, of, until);
        });
    }
    void wait_for_all() override {
        if (!is_first()) send(0, message::arrival, {}, tcp_socket::never);
        each_other([&](int other) { receive(other, message::arrival, {}, tcp_socket::never); });
        if (is_first()) each_other([&](int other) { send(other, message::arrival, {}, tcp_socket::never); });
    }
    void check() override {
        each_other([&](int other) { check_said(other, to(other).problem()); });
    }

  private:
    enum class message : std::uint32_t { sum = 1, broadcast, arrival };
    struct head { // precedes the bytes of a message
        message what{};
        std::uint32_t version = current_version;
        std::uint64_t bytes = 0;
    };
    static constexpr std::uint64_t magic = 0x6b6e696c61657666; // "fvealink", little-endian
    static constexpr std::uint32_t current_version = 1;
    struct hello { // sent by both sides of a new connection
        std::uint64_t mark = magic;
        std::uint32_t version = current_version, size = 0, rank = 0, unused = 0;
    };
    static constexpr double for_hello = 10; // seconds

    // ---- connections
    void gather(tcp_socket::moment until) {
        tcp_socket door;
        if (const auto p = door.listen(place_.address, place_.port); !p.empty())
            fail(where(), ": cannot wait for the other processes there: ", p, ": expected a port that is free");
        links_.resize(std::size_t(place_.size));
        for (int missing = place_.size - 1; missing > 0;) {
            tcp_socket from;
            if (const auto p = door.accept(from, until); !p.empty())
                fail(where(), ": ", missing, " of ", place_.size, " processes ", p, " (", seconds(),
                     "): expected all of them to be started");
            missing -= admit(std::move(from));
        }
    }
    // Returns false for a connection that is not of fovea, such as a port scan.
    bool admit(tcp_socket from) {
        hello h;
        const auto until = tcp_socket::in(for_hello);
        if (!from.receive(bytes_of(h), until).empty() || h.mark != magic) return false;
        const hello answer{.size = std::uint32_t(place_.size)};
        from.send(bytes_of(answer), until); // also to a process of another run, so that it learns the reason
        check_hello(h, text_of("process ", h.rank));
        if (h.rank == 0 || h.rank >= links_.size() || links_[h.rank].is_open())
            fail("process ", h.rank, " has come ", h.rank == 0 || h.rank >= links_.size() ? "" : "twice ",
                 "to process 0 of ", place_.size, ": expected each of the others once");
        links_[h.rank] = std::move(from);
        return true;
    }
    void join(tcp_socket::moment until) {
        links_.resize(1);
        for (;;) {
            const auto problem = links_[0].connect(place_.address, place_.port, until);
            if (problem.empty()) break;
            if (tcp_socket::clock::now() >= until)
                fail(where(), ": process 0 is not there within ", seconds(), ": ", problem);
            std::this_thread::sleep_for(std::chrono::milliseconds(20)); // process 0 may start later
        }
        const hello mine{.size = std::uint32_t(place_.size), .rank = std::uint32_t(place_.rank)};
        hello h{.mark = 0};
        std::string problem = links_[0].send(bytes_of(mine), until);
        if (problem.empty()) problem = links_[0].receive(bytes_of(h), until);
        if (!problem.empty() || h.mark != magic)
            fail(where(), ": what listens there is not process 0 of this run",
                 problem.empty() ? "" : ", or is one that " + problem, ": expected another MASTER_PORT");
        check_hello(h, "process 0");
    }
    void check_hello(const hello& h, const std::string& who) const {
        if (h.version != current_version)
            fail(who, " is of another version of fovea: expected the same program everywhere");
        if (h.size != std::uint32_t(place_.size))
            fail(who, " belongs to a run of ", h.size, " processes: expected ", place_.size);
    }

    // ---- messages
    template <class T> void sum_of(std::span<T> of) {
        const auto until = tcp_socket::in(deadline_);
        const auto bytes = std::as_writable_bytes(of);
        if (!is_first()) {
            send(0, message::sum, bytes, until);
            return receive(0, message::sum, bytes, until);
        }
        received_.resize(bytes.size());
        each_other([&](int other) {
            receive(other, message::sum, received_, until);
            for (std::size_t i = 0; i < of.size(); ++i) {
                T more{};
                std::memcpy(&more, received_.data() + i * sizeof(T), sizeof(T));
                of[i] += more;
            }
        });
        each_other([&](int other) { send(other, message::sum, bytes, until); });
    }
    void send(int other, message what, std::span<const std::byte> bytes, tcp_socket::moment until) {
        const head h{.what = what, .bytes = bytes.size()};
        check_said(other, to(other).send(bytes_of(h), until));
        check_said(other, to(other).send(bytes, until));
    }
    void receive(int other, message what, std::span<std::byte> bytes, tcp_socket::moment until) {
        head h;
        check_said(other, to(other).receive(bytes_of(h), until));
        if (h.what != what || h.version != current_version || h.bytes != bytes.size())
            fail("process ", other, " is at another point of the run, with ", h.bytes, " bytes where ", bytes.size(),
                 " were expected: expected the same program, options and images everywhere");
        check_said(other, to(other).receive(bytes, until));
    }
    void check_said(int other, const std::string& problem) const {
        if (!problem.empty())
            fail("process ", other, " of ", place_.size, ' ', problem, ": expected it to train on with process ",
                 place_.rank);
    }

    template <class F> void each_other(F f) { // each process to which this one has a connection
        if (!is_first()) return f(0);
        for (int other = 1; other < place_.size; ++other) f(other);
    }
    tcp_socket& to(int other) { return links_[std::size_t(other)]; }
    template <class T> static std::span<std::byte> bytes_of(T& v) { return std::as_writable_bytes(std::span(&v, 1)); }
    template <class T> static std::span<const std::byte> bytes_of(const T& v) {
        return std::as_bytes(std::span(&v, 1));
    }
    std::string where() const { return text_of(place_.address, ':', place_.port); }
    std::string seconds() const { return text_of(int(deadline_ + 0.5), " s"); }

    process_place place_;
    double deadline_;
    std::vector<tcp_socket> links_; // process 0: by rank, to the others; another process: one, to process 0
    std::vector<std::byte> received_;
};

} // namespace fovea
