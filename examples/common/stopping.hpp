// A clean end at SIGINT, SIGTERM and SIGHUP. Before begin_saving() a signal ends the program at once. After it, the
// first signal is a request: the program confirms it, saves and ends; a second signal ends it at once. A signal that
// was ignored when the program began, as under nohup, stays ignored.
#pragma once

namespace programs {

// Thrown to leave the current work after a signal. It is not an error: whoever catches it saves.
struct stop_request {};

void listen_for_signals(bool speaks); // speaks: false in all but the first of several processes
void begin_saving();
bool stop_asked();
inline void throw_if_stopped() {
    if (stop_asked()) throw stop_request{};
}

} // namespace programs
