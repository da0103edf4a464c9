// The other side of Particle.h: the firmware's process, driven over a pipe.
//
// Orders come in on descriptor 4, what happened goes out on descriptor 3, one line each. A line
// is a word and its fields, separated by tabs; in a field, \\ \t \n \r stand for themselves.
// The clock stands still between messages: whoever holds the pipe owns time, connection, button
// and battery, and so can run a day in a second or exactly at the edge of a millisecond.
//
//   boot ID CLOCK SEED EPOCH CONNECTED SOURCE BATTERY   runs setup()
//   run UNTIL STEP       loop() at every STEP of the clock until UNTIL; stops early after a publish
//   connected 0|1   power SOURCE BATTERY   button 0|1
//   event NAME [DATA TYPE]
//   call REQUEST NAME ARGUMENT   read REQUEST NAME
//
//   . CLOCK              the answer to boot and run
//   serial LINE   publish NAME [DATA TYPE [SIZE]]   subscribe PREFIX   unsubscribe   connect 0|1
//   function NAME   variable NAME KIND   returned REQUEST [VALUE]
#include "Particle.h"

#include <cfloat>
#include <cinttypes>
#include <deque>
#include <strings.h>
#include <unistd.h>
#include <vector>

const Logger Log;
USBSerial Serial;
CloudClass Particle;
SystemClass System;
TimeClass Time;

namespace {

constexpr int from_host_fd = 4;
constexpr int to_host_fd = 3;
constexpr int exit_reset = 100;  // System.reset(); `EXIT_RESET` in src/process.rs

// Nobody may be left to stop us; a pass of loop() that takes this long then ends the process.
constexpr unsigned orphan_limit_s = 30;

// A clock of 64 bits inside; the firmware sees its lower 32.
uint64_t clock_ms = 0;
uint64_t run_until = 0;
int64_t epoch_s = 0;
bool time_valid = false;
std::string device_id;
bool cloud_connected = false;
int power_source = POWER_SOURCE_UNKNOWN;
float battery_charge = -1.0f;
bool published_in_pass = false;

// ---- Lines over the pipe ----

void append_field(std::string &line, const char *text, size_t size) {
    line += '\t';
    for (size_t i = 0; i < size; i++) {
        switch (text[i]) {
        case '\\': line += "\\\\"; break;
        case '\t': line += "\\t"; break;
        case '\n': line += "\\n"; break;
        case '\r': line += "\\r"; break;
        default: line += text[i];
        }
    }
}

void send_line(std::string line) {
    line += '\n';
    for (size_t done = 0; done < line.size();) {
        const ssize_t n = ::write(to_host_fd, line.data() + done, line.size() - done);
        if (n <= 0) {
            _exit(0);  // Nobody listens any more.
        }
        done += static_cast<size_t>(n);
    }
}

void send_message(const char *word, std::initializer_list<std::string> fields) {
    std::string line = word;
    for (const std::string &field : fields) {
        append_field(line, field.data(), field.size());
    }
    send_line(std::move(line));
}

// The next message's fields. Ends the process when the other side is gone.
std::vector<std::string> next_message() {
    static char buffer[64 * 1024];
    static size_t begin = 0, end = 0;
    std::vector<std::string> fields(1);
    bool escaped = false;
    for (;;) {
        if (begin == end) {
            const ssize_t n = ::read(from_host_fd, buffer, sizeof buffer);
            if (n <= 0) {
                _exit(0);
            }
            begin = 0;
            end = static_cast<size_t>(n);
        }
        const char c = buffer[begin++];
        if (escaped) {
            fields.back() += c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c;
            escaped = false;
        } else if (c == '\\') {
            escaped = true;
        } else if (c == '\n') {
            return fields;
        } else if (c == '\t') {
            fields.emplace_back();
        } else {
            fields.back() += c;
        }
    }
}

// ---- Types of data ----

struct TypeName {
    ContentType type;
    const char *name;
};
constexpr TypeName type_names[] = {{ContentType::TEXT, "text"},
                                   {ContentType::JPEG, "jpeg"},
                                   {ContentType::PNG, "png"},
                                   {ContentType::BINARY, "binary"},
                                   {ContentType::STRUCTURED, "structured"}};

constexpr char base64_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string to_base64(const char *data, size_t size) {
    std::string text;
    for (size_t i = 0; i < size; i += 3) {
        const size_t left = std::min<size_t>(3, size - i);
        uint32_t bits = 0;
        for (size_t j = 0; j < 3; j++) {
            bits = bits << 8 | (j < left ? static_cast<uint8_t>(data[i + j]) : 0);
        }
        for (size_t j = 0; j < 4; j++) {
            text += j <= left ? base64_letters[bits >> (18 - 6 * j) & 63] : '=';
        }
    }
    return text;
}

std::string from_base64(const std::string &text) {
    std::string data;
    uint32_t bits = 0;
    unsigned count = 0;
    for (const char c : text) {
        const char *letter = c ? strchr(base64_letters, c) : nullptr;
        if (!letter) {
            break;
        }
        bits = bits << 6 | static_cast<uint32_t>(letter - base64_letters);
        if (++count % 4 != 1) {
            data += static_cast<char>(bits >> (8 - count % 4 * 2) % 8);
        }
    }
    return data;
}

// ---- Button ----

struct SystemHandler {
    system_event_t events;
    SystemClass::Handler handler;
};
std::vector<SystemHandler> system_handlers;

bool button_down = false;
system_tick_t button_down_at = 0;
system_tick_t last_click_at = 0;
int clicks = 0;

void notify(system_event_t event, int param) {
    for (const SystemHandler &handler : system_handlers) {
        if (handler.events & event) {
            handler.handler(event, param, nullptr);
        }
    }
}

void final_click() {
    if (clicks > 0) {
        notify(button_final_click, clicks);
    }
    clicks = 0;
}

// A click is 30 to 499 ms. Shorter is a bounce, longer is no click and ends the series, and so
// do the fifth click and a second without another one.
void button(bool down) {
    if (down == button_down) {
        return;
    }
    button_down = down;
    if (down) {
        button_down_at = static_cast<system_tick_t>(clock_ms);
        notify(button_status, 0);
        return;
    }
    const system_tick_t held = static_cast<system_tick_t>(clock_ms) - button_down_at;
    notify(button_status, static_cast<int>(std::min<system_tick_t>(held, 0xffff)));
    if (held < 30) {
        return;
    }
    if (held < 500) {
        clicks++;
        last_click_at = static_cast<system_tick_t>(clock_ms);
        notify(button_click, clicks);
        if (clicks < 5) {
            return;
        }
    }
    final_click();
}

// ---- Events ----

struct Subscription {
    std::string prefix;
    particle::EventFunction handler;
    particle::TypedEventFunction typed;  // In its place.
};
std::vector<Subscription> subscriptions;

struct Event {
    std::string name;
    std::string data;
    bool empty;
    ContentType type;
};
std::deque<Event> arrived;
constexpr size_t most_arrived = 64;  // More than a device has memory for is lost.

void deliver_events() {
    while (!arrived.empty()) {
        const Event event = std::move(arrived.front());
        arrived.pop_front();
        const std::vector<Subscription> now = subscriptions;  // A handler may change them.
        for (const Subscription &subscription : now) {
            if (event.name.compare(0, subscription.prefix.size(), subscription.prefix) != 0) {
                continue;
            }
            const char *data = event.empty ? nullptr : event.data.c_str();
            if (subscription.typed) {
                subscription.typed(event.name.c_str(), data, event.data.size(), event.type);
            } else if (event.type == ContentType::TEXT) {
                subscription.handler(event.name.c_str(), data);
            } else {
                // A device drops it silently.
                send_message("serial", {"(" + std::to_string(event.data.size()) + " bytes arrived that are no text; "
                                        "a handler with size and ContentType would get them)"});
            }
        }
    }
}

// ---- Functions and variables ----

struct Function {
    std::string name;
    std::function<int(String)> handler;
};
std::vector<Function> functions;

struct Variable {
    std::string name;
    std::function<String()> read;
};
std::vector<Variable> variables;

// Adds what was registered, or takes the place of what has its name. False when there are too many.
template <typename T> bool add(std::vector<T> &registered, size_t most, T added) {
    for (T &other : registered) {
        if (other.name == added.name) {
            other = std::move(added);
            return true;
        }
    }
    if (registered.size() >= most) {
        return false;
    }
    registered.push_back(std::move(added));
    return true;
}

template <typename T> const T *find(const std::vector<T> &registered, const std::string &name) {
    for (const T &other : registered) {
        if (other.name == name) {
            return &other;
        }
    }
    return nullptr;
}

// The messages `call` and `read`.
std::deque<std::vector<std::string>> requests;

void respond(const std::vector<std::string> &request) {
    if (request[0] == "call") {
        if (const Function *function = find(functions, request[2])) {
            const Function called = *function;  // It may register another one.
            const int value = called.handler(String(request[3].c_str()));
            return send_message("returned", {request[1], std::to_string(value)});
        }
    } else if (const Variable *variable = find(variables, request[2])) {
        const Variable read = *variable;
        const String value = read.read();
        const size_t size = std::min(value.length(), particle::protocol::MAX_EVENT_DATA_LENGTH);
        return send_message("returned", {request[1], value.length() ? std::string(value.c_str(), size) : ""});
    }
    send_message("returned", {request[1]});
}

void respond_to_requests() {
    while (!requests.empty()) {
        const std::vector<std::string> request = std::move(requests.front());
        requests.pop_front();
        respond(request);
    }
}

// ---- Orders ----

void set_connected(bool connected) {
    cloud_connected = connected;
    time_valid = time_valid || connected;
}

void set_power(const std::string &source, const std::string &battery) {
    power_source = atoi(source.c_str());
    battery_charge = strtof(battery.c_str(), nullptr);
}

// Takes messages until one lets the time go on.
void await_run(uint64_t *step) {
    alarm(0);
    for (;;) {
        const std::vector<std::string> message = next_message();
        const std::string &word = message[0];
        if (word == "run" && message.size() == 3) {
            run_until = strtoull(message[1].c_str(), nullptr, 10);
            *step = std::max<uint64_t>(1, strtoull(message[2].c_str(), nullptr, 10));
            break;
        } else if (word == "connected" && message.size() == 2) {
            set_connected(message[1] == "1");
        } else if (word == "power" && message.size() == 3) {
            set_power(message[1], message[2]);
        } else if (word == "button" && message.size() == 2) {
            button(message[1] == "1");
        } else if (word == "event" && (message.size() == 2 || message.size() == 4)) {
            Event event{message[1], "", true, ContentType::TEXT};
            if (message.size() == 4) {
                for (const TypeName &known : type_names) {
                    event.type = message[3] == known.name ? known.type : event.type;
                }
                event.data = event.type == ContentType::TEXT ? message[2] : from_base64(message[2]);
                event.empty = event.data.empty();
            }
            if (cloud_connected && arrived.size() < most_arrived &&
                event.data.size() <= particle::protocol::MAX_EVENT_DATA_LENGTH) {
                arrived.push_back(std::move(event));
            }
        } else if (((word == "call" && message.size() == 4) || (word == "read" && message.size() == 3)) &&
                   requests.size() < most_arrived) {
            requests.push_back(message);
        }
    }
    alarm(orphan_limit_s);
}

void end_run() { send_message(".", {std::to_string(clock_ms)}); }

// Moves the clock on and lets the button's series end in time.
void advance(uint64_t to) {
    const uint64_t end_of_series = static_cast<system_tick_t>(clock_ms) - last_click_at;
    if (clicks > 0 && end_of_series + (to - clock_ms) >= 1000) {
        clock_ms += end_of_series < 1000 ? 1000 - end_of_series : 0;
        final_click();
    }
    clock_ms = std::max(clock_ms, to);
}

// Lets the time go on from inside the firmware. When the run's end is reached, whoever owns the
// clock decides when it goes on.
void wait_inside(uint64_t ms) {
    const uint64_t target = clock_ms + ms;
    uint64_t ignored_step;
    while (clock_ms < target) {
        if (clock_ms >= run_until) {
            end_run();
            await_run(&ignored_step);
            continue;
        }
        advance(std::min(target, run_until));
    }
}

// Asking for the time takes about a microsecond on a device. Without it a pass that waits by
// asking would wait for ever, because the clock stands still.
void time_was_asked() {
    static unsigned asked = 0;
    static uint64_t asked_at = 0;
    if (asked_at != clock_ms) {
        asked_at = clock_ms;
        asked = 0;
    }
    if (++asked >= 1000) {
        asked = 0;
        wait_inside(1);
    }
}

}  // namespace

int main() {
    const std::vector<std::string> message = next_message();
    if (message[0] != "boot" || message.size() != 8) {
        return 2;
    }
    device_id = message[1];
    clock_ms = run_until = strtoull(message[2].c_str(), nullptr, 10);
    srand(static_cast<unsigned>(strtoul(message[3].c_str(), nullptr, 10)));
    epoch_s = strtoll(message[4].c_str(), nullptr, 10);
    set_connected(message[5] == "1");
    set_power(message[6], message[7]);

    alarm(orphan_limit_s);
    setup();
    for (;;) {
        end_run();
        uint64_t step;
        await_run(&step);
        published_in_pass = false;
        while (clock_ms < run_until && !published_in_pass) {
            advance(std::min(clock_ms + step, run_until));
            deliver_events();
            respond_to_requests();
            loop();
        }
    }
}

// ---- Time ----

system_tick_t millis() {
    time_was_asked();
    return static_cast<system_tick_t>(clock_ms);
}

system_tick_t micros() {
    time_was_asked();
    return static_cast<system_tick_t>(clock_ms * 1000);
}

void delay(uint32_t ms) { wait_inside(ms); }
void delayMicroseconds(uint32_t us) { wait_inside(us / 1000); }

int32_t TimeClass::now() const { return static_cast<int32_t>(epoch_s + static_cast<int64_t>(clock_ms / 1000)); }
bool TimeClass::isValid() const { return time_valid; }

int32_t random(int32_t max) { return max > 0 ? rand() % max : 0; }
int32_t random(int32_t min, int32_t max) { return min < max ? min + random(max - min) : min; }

// ---- String ----

String String::format(const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    const int size = vsnprintf(nullptr, 0, format, arguments);
    va_end(arguments);
    std::vector<char> text(static_cast<size_t>(std::max(size, 0)) + 1);
    vsnprintf(text.data(), text.size(), format, again);
    va_end(again);
    return String(text.data());
}

// ---- Log and Serial ----

namespace {

// The lowest level of any handler; set by constructors that may run before anything here.
int log_level = LOG_LEVEL_NONE;
std::string serial_line;

void serial_write(const char *text, size_t size) {
    constexpr size_t longest_line = 8 * 1024;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n' || serial_line.size() >= longest_line) {
            send_message("serial", {serial_line});
            serial_line.clear();
        }
        if (text[i] != '\n' && text[i] != '\r') {
            serial_line += text[i];
        }
    }
}

void log(LogLevel level, const char *name, const char *category, const char *format, va_list arguments) {
    if (level < log_level) {
        return;
    }
    char text[200];
    const int size = vsnprintf(text, sizeof text, format, arguments);
    if (size > static_cast<int>(sizeof text) - 1) {
        text[sizeof text - 2] = '~';
    }
    char head[96];
    snprintf(head, sizeof head, "%010u [%.60s] %s: ", static_cast<unsigned>(clock_ms), category, name);
    serial_write(head, strlen(head));
    serial_write(text, strlen(text));
    serial_write("\r\n", 2);
}

}  // namespace

SerialLogHandler::SerialLogHandler(LogLevel level) { log_level = std::min<int>(log_level, level); }
SerialLogHandler::SerialLogHandler(int baud, LogLevel level) : SerialLogHandler(level) {}

#define LOG_FUNCTION(function, level, name)                  \
    void Logger::function(const char *format, ...) const {   \
        va_list arguments;                                   \
        va_start(arguments, format);                         \
        log(level, name, category_, format, arguments);      \
        va_end(arguments);                                   \
    }
LOG_FUNCTION(trace, LOG_LEVEL_TRACE, "TRACE")
LOG_FUNCTION(info, LOG_LEVEL_INFO, "INFO")
LOG_FUNCTION(warn, LOG_LEVEL_WARN, "WARN")
LOG_FUNCTION(error, LOG_LEVEL_ERROR, "ERROR")
LOG_FUNCTION(operator(), LOG_LEVEL_INFO, "INFO")

size_t USBSerial::write(uint8_t c) {
    const char text = static_cast<char>(c);
    serial_write(&text, 1);
    return 1;
}

size_t USBSerial::print(const char *text) {
    const size_t size = text ? strlen(text) : 0;
    serial_write(text, size);
    return size;
}

size_t USBSerial::printf(const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return print(text);
}

size_t USBSerial::printlnf(const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return println(static_cast<const char *>(text));
}

// ---- Cloud ----

bool CloudClass::connected() {
    time_was_asked();
    return cloud_connected;
}

void CloudClass::connect() { send_message("connect", {"1"}); }

void CloudClass::disconnect() {
    cloud_connected = false;
    send_message("connect", {"0"});
}

// The application has a thread of its own, so events are delivered between two calls of loop().
void CloudClass::process() { time_was_asked(); }

namespace {

// The fifth call within 1000 ms of the first of them is refused, and counts all the same.
// Events of the system have a limit of their own: 255 in about a minute.
bool rate_limited(const char *name) {
    const system_tick_t now = static_cast<system_tick_t>(clock_ms);
    if (strncmp(name, "spark", 5) == 0 || strncmp(name, "particle", 8) == 0) {
        static uint16_t minute = 0;
        static unsigned count = 0;
        if (minute != static_cast<uint16_t>(now >> 16)) {
            minute = static_cast<uint16_t>(now >> 16);
            count = 0;
        }
        if (count >= 255) {
            return true;
        }
        count++;
        return false;
    }
    static std::deque<system_tick_t> calls;
    calls.push_back(now);
    if (calls.size() < 5) {
        return false;
    }
    const bool limited = now - calls.front() < 1000;
    calls.pop_front();
    return limited;
}

}  // namespace

namespace {

bool send_publish(const char *name, std::initializer_list<std::string> data) {
    if (!cloud_connected || !name || !*name || rate_limited(name)) {
        return false;
    }
    std::string line = "publish";
    append_field(line, name, strnlen(name, particle::protocol::MAX_EVENT_NAME_LENGTH));
    for (const std::string &field : data) {
        append_field(line, field.data(), field.size());
    }
    send_line(std::move(line));
    published_in_pass = true;
    return true;
}

}  // namespace

particle::Future<bool> CloudClass::send(const char *name, const char *data, size_t size, ContentType type) {
    constexpr size_t most = particle::protocol::MAX_EVENT_DATA_LENGTH;
    if (!data) {
        return particle::Future<bool>(send_publish(name, {}));
    }
    if (type == ContentType::TEXT) {
        return particle::Future<bool>(send_publish(name, {std::string(data, std::min(size, most)), "text"}));
    }
    // What a device does with CBOR that the application made is not emulated.
    if (size > most || type == ContentType::STRUCTURED) {
        return particle::Future<bool>(false);
    }
    for (const TypeName &known : type_names) {
        if (known.type == type) {
            return particle::Future<bool>(send_publish(name, {to_base64(data, size), known.name}));
        }
    }
    return particle::Future<bool>(false);
}

particle::Future<bool> CloudClass::publish(const char *name, const EventData &data, particle::PublishFlags flags) {
    const size_t size = data.sizeOnAir();
    if (size > particle::protocol::MAX_EVENT_DATA_LENGTH) {
        return particle::Future<bool>(false);
    }
    return particle::Future<bool>(
        send_publish(name, {std::string(data.toJSON().c_str()), "structured", std::to_string(size)}));
}

bool CloudClass::subscribe(const char *prefix, particle::EventFunction handler, Spark_Subscription_Scope_TypeDef scope) {
    return handler && addSubscription(prefix, std::move(handler), nullptr);
}

bool CloudClass::subscribe(const char *prefix, particle::TypedEventFunction handler) {
    return handler && addSubscription(prefix, nullptr, std::move(handler));
}

bool CloudClass::addSubscription(const char *prefix, particle::EventFunction handler,
                                 particle::TypedEventFunction typed) {
    constexpr size_t most = 4;  // Of six, two are taken by the system.
    if (!prefix || subscriptions.size() >= most) {
        return false;
    }
    subscriptions.push_back({std::string(prefix, strnlen(prefix, particle::protocol::MAX_EVENT_NAME_LENGTH)),
                             std::move(handler), std::move(typed)});
    send_message("subscribe", {subscriptions.back().prefix});
    return true;
}

void CloudClass::unsubscribe() {
    subscriptions.clear();
    send_message("unsubscribe", {});
}

bool CloudClass::function(const char *name, std::function<int(String)> handler) {
    constexpr size_t most = 15;
    if (!name || !*name || !handler) {
        return false;
    }
    const std::string cut(name, strnlen(name, particle::protocol::MAX_EVENT_NAME_LENGTH));
    if (!add(functions, most, {cut, std::move(handler)})) {
        return false;
    }
    send_message("function", {cut});
    return true;
}

bool CloudClass::addVariable(const char *name, const char *kind, std::function<String()> read) {
    constexpr size_t most = 20;
    if (!name || !*name) {
        return false;
    }
    const std::string cut(name, strnlen(name, particle::protocol::MAX_EVENT_NAME_LENGTH));
    if (!add(variables, most, {cut, std::move(read)})) {
        return false;
    }
    send_message("variable", {cut, kind});
    return true;
}

// ---- System ----

String SystemClass::deviceID() const { return String(device_id.c_str()); }
unsigned SystemClass::uptime() const { return static_cast<unsigned>(clock_ms / 1000); }

uint64_t SystemClass::millis() const {
    time_was_asked();
    return clock_ms;
}

void SystemClass::reset() { _exit(exit_reset); }

#if HAL_PLATFORM_POWER_MANAGEMENT
int SystemClass::powerSource() const { return power_source; }
float SystemClass::batteryCharge() const { return battery_charge; }
#endif

bool SystemClass::addHandler(system_event_t events, Handler handler) {
    system_handlers.push_back({events, std::move(handler)});
    return true;
}

// ---- Typed data ----

namespace particle {

String Buffer::toHex() const {
    String hex("");
    for (const char c : bytes_) {
        hex += String::format("%02x", static_cast<uint8_t>(c));
    }
    return hex;
}

// Up to what is no digit.
Buffer Buffer::fromHex(const char *text, size_t size) {
    Buffer buffer;
    for (size_t i = 0; i + 1 < size && isxdigit(text[i]) && isxdigit(text[i + 1]); i += 2) {
        const char digits[] = {text[i], text[i + 1], '\0'};
        buffer.bytes_ += static_cast<char>(strtoul(digits, nullptr, 16));
    }
    return buffer;
}

bool Variant::append(Variant value) {
    if (!isArray()) {
        *this = VariantArray();
    }
    items_.push_back(std::move(value));
    return true;
}

Variant Variant::at(int index) const {
    const bool is_there = isArray() && index >= 0 && index < size();
    return is_there ? items_[static_cast<size_t>(index)] : Variant();
}

// Of a key; past the end if the map has no such key.
size_t Variant::place(const char *key) const {
    return static_cast<size_t>(std::find(keys_.begin(), keys_.end(), key) - keys_.begin());
}

bool Variant::set(const char *key, Variant value) {
    if (!isMap()) {
        *this = VariantMap();
    }
    const size_t at = place(key);
    if (at == keys_.size()) {
        keys_.push_back(key);
        items_.push_back(Variant());
    }
    items_[at] = std::move(value);
    return true;
}

Variant Variant::get(const char *key) const { return has(key) ? items_[place(key)] : Variant(); }

bool Variant::remove(const char *key) {
    const size_t at = place(key);
    if (at == keys_.size()) {
        return false;
    }
    keys_.erase(keys_.begin() + static_cast<ptrdiff_t>(at));
    items_.erase(items_.begin() + static_cast<ptrdiff_t>(at));
    return true;
}

double Variant::toDouble() const {
    switch (type_) {
    case DOUBLE: return number_;
    case STRING: return bytes_ == "true" ? 1 : strtod(bytes_.c_str(), nullptr);
    case UINT64: return static_cast<double>(static_cast<uint64_t>(whole_));
    default: return static_cast<double>(whole_);
    }
}

namespace {

// The shortest text that reads as the same number, as the cloud writes it.
std::string number_text(double value) {
    char text[32] = "null";
    for (int digits = 1; std::isfinite(value) && digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, nullptr) == value) {
            break;
        }
    }
    return text;
}

std::string json_text(const std::string &value) {
    std::string text = "\"";
    for (const char c : value) {
        if (c == '"' || c == '\\') {
            text += '\\';
        }
        if (static_cast<unsigned char>(c) < 0x20) {
            char escape[8];
            snprintf(escape, sizeof escape, "\\u%04x", c);
            text += escape;
        } else {
            text += c;
        }
    }
    return text + '"';
}

// The bytes of CBOR's head of an item, whose number or length this is (RFC 8949, section 3).
size_t head_size(uint64_t number) { return number < 24 ? 1 : number < 0x100 ? 2 : number < 0x10000 ? 3 : number >> 32 ? 9 : 5; }

}  // namespace

String Variant::toString() const {
    return isString() ? String(bytes_.c_str()) : isBool() || isNumber() ? toJSON() : String("");
}

String Variant::toJSON() const {
    std::string text;
    switch (type_) {
    case NULL_: text = "null"; break;
    case BOOL: text = whole_ ? "true" : "false"; break;
    case UINT64: text = std::to_string(static_cast<uint64_t>(whole_)); break;
    case DOUBLE: text = number_text(number_); break;
    case STRING: text = json_text(bytes_); break;
    case BUFFER: text = "{\"_type\":\"buffer\",\"_data\":\"" + to_base64(bytes_.data(), bytes_.size()) + "\"}"; break;
    case ARRAY:
    case MAP:
        for (size_t i = 0; i < items_.size(); i++) {
            text += (i ? "," : "") + (isMap() ? json_text(keys_[i]) + ":" : "") + items_[i].toJSON().c_str();
        }
        text = isMap() ? "{" + text + "}" : "[" + text + "]";
        break;
    default: text = std::to_string(whole_);
    }
    return String(text.c_str());
}

size_t Variant::sizeOnAir() const {
    size_t size = 0;
    switch (type_) {
    case NULL_:
    case BOOL: return 1;
    case DOUBLE: return static_cast<double>(static_cast<float>(number_)) == number_ ? 5 : 9;
    case STRING:
    case BUFFER: return head_size(bytes_.size()) + bytes_.size();
    case ARRAY:
    case MAP:
        size = head_size(items_.size());
        for (const std::string &key : keys_) {
            size += head_size(key.size()) + key.size();
        }
        for (const Variant &item : items_) {
            size += item.sizeOnAir();
        }
        return size;
    case UINT64: return head_size(static_cast<uint64_t>(whole_));
    default: return head_size(static_cast<uint64_t>(whole_ < 0 ? ~whole_ : whole_));
    }
}

}  // namespace particle

// ---- JSON ----

void JSONBufferWriter::separate() {
    if (state_ == AfterValue) {
        write(",", 1);
    } else if (state_ == AfterName) {
        write(":", 1);
    }
}

JSONBufferWriter &JSONBufferWriter::begin(char bracket) {
    separate();
    write(&bracket, 1);
    state_ = AtBegin;
    return *this;
}

JSONBufferWriter &JSONBufferWriter::end(char bracket) {
    write(&bracket, 1);
    state_ = AfterValue;
    return *this;
}

JSONBufferWriter &JSONBufferWriter::name(const char *text, size_t size) {
    separate();
    writeEscaped(text, size);
    state_ = AfterName;
    return *this;
}

#define VALUE_FUNCTION(parameters, statement)                     \
    JSONBufferWriter &JSONBufferWriter::value parameters {        \
        separate();                                               \
        statement;                                                \
        state_ = AfterValue;                                      \
        return *this;                                             \
    }
VALUE_FUNCTION((bool value), write(value ? "true" : "false", value ? 4 : 5))
VALUE_FUNCTION((int value), writeNumber("%d", value))
VALUE_FUNCTION((unsigned value), writeNumber("%u", value))
VALUE_FUNCTION((long value), writeNumber("%ld", value))
VALUE_FUNCTION((unsigned long value), writeNumber("%lu", value))
VALUE_FUNCTION((long long value), writeNumber("%lld", value))
VALUE_FUNCTION((unsigned long long value), writeNumber("%llu", value))
VALUE_FUNCTION((const char *text, size_t size), writeEscaped(text, size))

namespace {
// JSON has no infinity and no NaN.
double within_limits(double value) {
    if (std::isnan(value)) {
        return 0;
    }
    return std::max(-DBL_MAX, std::min(DBL_MAX, value));
}
}  // namespace

VALUE_FUNCTION((double value), writeNumber("%g", within_limits(value)))
VALUE_FUNCTION((double value, int decimals), writeNumber("%.*f", decimals, within_limits(value)))

JSONBufferWriter &JSONBufferWriter::nullValue() {
    separate();
    write("null", 4);
    state_ = AfterValue;
    return *this;
}

void JSONBufferWriter::write(const char *text, size_t size) {
    if (count_ < size_) {
        memcpy(buffer_ + count_, text, std::min(size, size_ - count_));
    }
    count_ += size;
}

// Printed straight into the buffer, so that at the end the 0 of vsnprintf takes the last byte
// and a number that is cut loses one digit more.
void JSONBufferWriter::writeNumber(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const bool room = count_ < size_;
    const int size = vsnprintf(room ? buffer_ + count_ : nullptr, room ? size_ - count_ : 0, format, arguments);
    va_end(arguments);
    count_ += static_cast<size_t>(std::max(size, 0));
}

// What is not printable ASCII is escaped byte by byte, as ARM's unsigned char makes it: a letter
// of UTF-8 comes out as two or more escapes, which is not that letter.
void JSONBufferWriter::writeEscaped(const char *text, size_t size) {
    static const char letters[] = "\"\"\\\\\bb\tt\nn\ff\rr";
    write("\"", 1);
    for (size_t i = 0; i < size; i++) {
        const unsigned char c = static_cast<unsigned char>(text[i]);
        const char *letter = nullptr;
        for (const char *pair = letters; *pair; pair += 2) {
            letter = static_cast<unsigned char>(*pair) == c ? pair + 1 : letter;
        }
        if (letter) {
            write("\\", 1);
            write(letter, 1);
        } else if (c < 0x20 || c > 0x7e) {
            char hex[8];
            write(hex, static_cast<size_t>(snprintf(hex, sizeof hex, "\\u%04x", c)));
        } else {
            write(text + i, 1);
        }
    }
    write("\"", 1);
}
