// A clean end at SIGINT, SIGTERM and SIGHUP. Before there is something to save a signal ends the program at once. From
// begin_saving() on it is a request: the program says that it has heard it, saves and ends; a second one ends it at
// once. A signal that was ignored when the program began, as by nohup, stays so.
#pragma once

namespace programs {

// What leaves the work at hand after a signal. No error: whoever catches it saves.
struct stop_request {};

void listen_for_signals(bool speaks); // speaks: of several processes only the first does
void begin_saving();
bool stop_asked();
inline void throw_if_stopped() {
    if (stop_asked()) throw stop_request{};
}

} // namespace programs
