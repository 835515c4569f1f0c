#include "common/stopping.hpp"

#include <signal.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <initializer_list>

namespace programs {

namespace {

volatile sig_atomic_t asked = 0, saves = 0, speaking = 0;

void say(const char* text) { // uses only what a signal handler may call
    const std::size_t length = std::strlen(text);
    if (speaking && write(STDERR_FILENO, text, length) < 0) return;
}

void hear(int which) {
    const bool again = asked;
    asked = 1; // before the text, whose output another signal may interrupt
    if (!again) {
        say(which == SIGINT ? "SIGINT: " : which == SIGTERM ? "SIGTERM: " : "SIGHUP: ");
        say(saves ? "saves, then ends; a second signal ends at once\n"
                  : "ends before the first step, nothing to save\n");
    }
    if (!again && saves) return;
    signal(which, SIG_DFL);
    raise(which);
}

} // namespace

void listen_for_signals(bool speaks) {
    speaking = speaks;
    for (const int which : {SIGINT, SIGTERM, SIGHUP})
        if (signal(which, hear) == SIG_IGN) signal(which, SIG_IGN);
}
void begin_saving() { saves = 1; }
bool stop_asked() { return asked != 0; }

} // namespace programs
