// A TCP socket, connected or listening, for POSIX systems. No call waits beyond the time point that it is given.
// Functions that return a text return the problem, worded to follow the name of the other side, or an empty text.
#pragma once
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <utility>

namespace fovea {

class tcp_socket {
  public:
    using clock = std::chrono::steady_clock;
    using moment = clock::time_point;
    static constexpr moment never = moment::max();
    static moment in(double seconds) {
        return clock::now() + std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(seconds));
    }

    tcp_socket() = default;
    tcp_socket(tcp_socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    tcp_socket& operator=(tcp_socket&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~tcp_socket() {
        if (is_open()) close(descriptor_);
    }
    bool is_open() const { return descriptor_ >= 0; }

    // Listens on an address. Returns the problem, or an empty text; the socket is then open. Port 0 chooses a free
    // port.
    std::string listen(const std::string& address, int port) {
        const bool local = address == "localhost" || address.starts_with("127.") || address == "::1";
        return open(local ? address.c_str() : nullptr, port, AI_PASSIVE, [&](const addrinfo& a) {
            const int yes = 1, no = 0;
            setsockopt(descriptor_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
            if (a.ai_family == AF_INET6) setsockopt(descriptor_, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
            return bind(descriptor_, a.ai_addr, a.ai_addrlen) == 0 && ::listen(descriptor_, SOMAXCONN) == 0;
        });
    }
    std::string connect(const std::string& address, int port, moment until) {
        return open(address.c_str(), port, 0, [&](const addrinfo& a) {
            if (::connect(descriptor_, a.ai_addr, a.ai_addrlen) != 0) {
                if (errno != EINPROGRESS || !ready(POLLOUT, until)) return false;
                int code = 0;
                socklen_t size = sizeof code;
                if (getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &code, &size) != 0 || code != 0)
                    return errno = code, false;
            }
            set_up();
            return true;
        });
    }
    std::string accept(tcp_socket& from, moment until) const {
        while (ready(POLLIN, until)) {
            tcp_socket made;
            made.descriptor_ = ::accept(descriptor_, nullptr, nullptr);
            if (made.is_open()) {
                made.set_flags(), made.set_up();
                from = std::move(made);
                return {};
            }
            if (!passes(errno) && errno != ECONNABORTED) return reason(errno);
        }
        return reason(ETIMEDOUT);
    }
    int port() const { // port of a listening socket
        sockaddr_storage at{};
        socklen_t size = sizeof at;
        if (getsockname(descriptor_, reinterpret_cast<sockaddr*>(&at), &size) != 0) return 0;
        return ntohs(at.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(at).sin6_port
                                              : reinterpret_cast<sockaddr_in&>(at).sin_port);
    }

    // Sends all bytes. Returns the problem, or an empty text.
    std::string send(std::span<const std::byte> bytes, moment until) const {
        return each_part(bytes, POLLOUT, until, [this](std::span<const std::byte> rest) {
            return ::send(descriptor_, rest.data(), rest.size(), MSG_NOSIGNAL);
        });
    }
    std::string receive(std::span<std::byte> bytes, moment until) const {
        return each_part(bytes, POLLIN, until, [this](std::span<std::byte> rest) {
            const auto got = recv(descriptor_, rest.data(), rest.size(), 0);
            if (got == 0) errno = ESHUTDOWN; // the other side has closed the connection
            return got == 0 ? -1 : got;
        });
    }
    // Returns the problem that receive() would have now if there is nothing to receive; empty if the other side is
    // there.
    std::string problem() const {
        std::byte next{};
        const auto got = recv(descriptor_, &next, 1, MSG_PEEK | MSG_DONTWAIT);
        if (got > 0 || (got < 0 && passes(errno))) return {};
        return reason(got == 0 ? ESHUTDOWN : errno);
    }

  private:
    static bool passes(int code) { return code == EAGAIN || code == EWOULDBLOCK || code == EINTR; }
    static std::string reason(int code) {
        if (code == ETIMEDOUT) return "did not answer in time";
        if (code == ESHUTDOWN || code == EPIPE || code == ECONNRESET) return "has ended";
        return std::generic_category().message(code);
    }

    // Opens the first of the name's addresses for which begin(address) succeeds.
    template <class F> std::string open(const char* address, int port, int flags, F begin) {
        addrinfo hints{};
        hints.ai_family = AF_UNSPEC, hints.ai_socktype = SOCK_STREAM, hints.ai_flags = flags | AI_NUMERICSERV;
        addrinfo* found = nullptr;
        if (const int code = getaddrinfo(address, std::to_string(port).c_str(), &hints, &found); code != 0)
            return gai_strerror(code);
        const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, freeaddrinfo);
        int code = EADDRNOTAVAIL;
        for (const int family : {AF_INET6, AF_INET}) // an IPv6 listener also accepts IPv4
            for (const addrinfo* a = found; a; a = a->ai_next) {
                if (a->ai_family != family) continue;
                *this = tcp_socket();
                descriptor_ = ::socket(a->ai_family, SOCK_STREAM, 0);
                if (is_open() && set_flags() && begin(*a)) return {};
                code = errno;
            }
        *this = tcp_socket();
        return reason(code);
    }
    bool set_flags() const {
        return fcntl(descriptor_, F_SETFL, O_NONBLOCK) == 0 && fcntl(descriptor_, F_SETFD, FD_CLOEXEC) == 0;
    }
    // Small messages are sent at once; a machine that has disappeared is noticed within two minutes.
    void set_up() const {
        [[maybe_unused]] const int yes = 1, idle = 60, interval = 15, probes = 4;
        setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        setsockopt(descriptor_, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
#ifdef TCP_KEEPIDLE
        setsockopt(descriptor_, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
        setsockopt(descriptor_, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
        setsockopt(descriptor_, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
#endif
    }

    // Returns false and sets errno if the socket is not ready in time.
    bool ready(short what, moment until) const {
        for (;;) {
            constexpr int longest = 1 << 20; // longest wait of one poll(), in milliseconds
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()).count();
            pollfd p{descriptor_, what, 0};
            const int n = poll(&p, 1, until == never ? -1 : int(std::clamp<decltype(left)>(left, 0, longest)));
            if (n > 0) return true;
            if (n < 0 && errno != EINTR) return false;
            if (until != never && clock::now() >= until) return errno = ETIMEDOUT, false;
        }
    }
    template <class Byte, class F>
    std::string each_part(std::span<Byte> bytes, short what, moment until, F some) const {
        while (!bytes.empty()) {
            if (const auto n = some(bytes); n >= 0)
                bytes = bytes.subspan(std::size_t(n));
            else if (!passes(errno) || !ready(what, until))
                return reason(errno);
        }
        return {};
    }

    int descriptor_ = -1;
};

} // namespace fovea
