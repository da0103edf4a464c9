// Particle.h of the virtual device: as much of the documented Device OS API as a small
// firmware file needs, for a program on this computer. It is our own, written after the
// public documentation and the observed behaviour of Device OS 6.2.
//
// Emulated:     Particle.connected/connect/disconnect/process/publish/subscribe/unsubscribe,
//               Particle.function/variable, System.on (button events)/deviceID/powerSource/batteryCharge/version/uptime/reset,
//               Log and SerialLogHandler, Serial for output, JSONBufferWriter, String, millis,
//               micros, delay, waitFor, waitUntil, Time.now/isValid, random, chrono literals,
//               typed publish with ContentType, Variant and Buffer; of typed subscriptions,
//               (name, data, size, type).
// Not emulated: pins, CloudEvent, JSONValue and its iterators, Timer,
//               Thread, EEPROM, Wire, SPI, sleep, network classes, SYSTEM_MODE other than
//               AUTOMATIC. Using one of these is a compile error,
//               never a call that silently does nothing.
//
// The traps are emulated too, because a firmware that passes here has to be right there: names
// are cut at 64 characters, data at 1024, the fifth publish within a second is refused, an empty
// event has NULL data, millis() is 32 bits wide, the JSON writer does not terminate its text.
#pragma once

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#define SYSTEM_VERSION_v400 0x04000000
#define SYSTEM_VERSION_v500 0x05000000
#define SYSTEM_VERSION_v600 0x06000000
#define SYSTEM_VERSION_v610 0x06010000
#define SYSTEM_VERSION_v620 0x06020000
#define SYSTEM_VERSION_v621 0x06020100
#define SYSTEM_VERSION SYSTEM_VERSION_v621

// Each takes the semicolon that follows it. The virtual device always runs the application
// in a thread of its own and connects by itself.
#define SYSTEM_THREAD(state) static_assert(true, "")
#define SYSTEM_MODE(mode) static_assert(particle::mode == particle::AUTOMATIC, "only SYSTEM_MODE(AUTOMATIC) is emulated")
#define PRODUCT_VERSION(version) static_assert((version) > 0, "")
#define STARTUP(code) static const int startup_code_ = [] { code; return 0; }()

namespace particle {
enum SystemMode { AUTOMATIC, SEMI_AUTOMATIC, MANUAL, SAFE_MODE };
}

void setup();
void loop();

// ---- Time ---------------------------------------------------------------------------------

typedef uint32_t system_tick_t;

// Milliseconds since boot, from 0 again after 49.7 days. A pass of loop() that keeps asking
// makes the time go on, as it would on a device.
system_tick_t millis();
system_tick_t micros();
void delay(uint32_t ms);
inline void delay(std::chrono::milliseconds time) { delay(static_cast<uint32_t>(time.count())); }
void delayMicroseconds(uint32_t us);

class TimeClass {
public:
    int32_t now() const;    // UTC, seconds since 1970
    bool isValid() const;   // true once the device has been connected
};
extern TimeClass Time;

using namespace std::chrono_literals;

int32_t random(int32_t max);
int32_t random(int32_t min, int32_t max);
inline void randomSeed(unsigned seed) { srand(seed); }

// ---- String -------------------------------------------------------------------------------

class String {
public:
    String() {}
    String(const char *text) : text_(text ? text : ""), null_(!text) {}
    String(const char *text, size_t size) : text_(text ? std::string(text, size) : std::string()), null_(!text) {}
    explicit String(char c) : text_(1, c) {}
    explicit String(int n) : text_(std::to_string(n)) {}
    explicit String(unsigned n) : text_(std::to_string(n)) {}
    explicit String(long n) : text_(std::to_string(n)) {}
    explicit String(unsigned long n) : text_(std::to_string(n)) {}
    explicit String(double n, int decimals = 6) : String(format("%.*f", decimals, n)) {}

    // NULL for a String that was made from NULL, as on a device.
    const char *c_str() const { return null_ ? nullptr : text_.c_str(); }
    operator const char *() const { return c_str(); }
    size_t length() const { return text_.size(); }
    bool isEmpty() const { return text_.empty(); }
    char charAt(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }
    char operator[](size_t i) const { return charAt(i); }
    char operator[](int i) const { return i < 0 ? '\0' : charAt(static_cast<size_t>(i)); }

    String &operator+=(const String &other) { return add(other.text_); }
    String &operator+=(const char *other) { return add(other ? other : ""); }
    String &operator+=(char c) { return add(std::string(1, c)); }
    String &concat(const String &other) { return add(other.text_); }
    friend String operator+(String a, const String &b) { return a += b; }
    friend String operator+(String a, const char *b) { return a += b; }
    friend String operator+(String a, char b) { return a += b; }

    bool equals(const String &other) const { return text_ == other.text_; }
    friend bool operator==(const String &a, const String &b) { return a.text_ == b.text_; }
    friend bool operator==(const String &a, const char *b) { return a.text_ == (b ? b : ""); }
    friend bool operator!=(const String &a, const String &b) { return !(a == b); }
    friend bool operator!=(const String &a, const char *b) { return !(a == b); }
    friend bool operator<(const String &a, const String &b) { return a.text_ < b.text_; }

    bool startsWith(const String &prefix) const { return text_.compare(0, prefix.length(), prefix.text_) == 0; }
    bool endsWith(const String &end) const {
        return length() >= end.length() && text_.compare(length() - end.length(), end.length(), end.text_) == 0;
    }
    int indexOf(char c, size_t from = 0) const { return position(text_.find(c, from)); }
    int indexOf(const String &other, size_t from = 0) const { return position(text_.find(other.text_, from)); }
    String substring(size_t from) const { return substring(from, length()); }
    String substring(size_t from, size_t to) const {
        to = std::min(to, length());
        return from < to ? String(text_.substr(from, to - from).c_str()) : String("");
    }
    int toInt() const { return static_cast<int>(strtol(text_.c_str(), nullptr, 10)); }
    float toFloat() const { return strtof(text_.c_str(), nullptr); }

    static String format(const char *format, ...) __attribute__((format(printf, 1, 2)));

private:
    String &add(const std::string &more) {
        text_ += more;
        null_ = false;
        return *this;
    }
    static int position(size_t at) { return at == std::string::npos ? -1 : static_cast<int>(at); }

    std::string text_;
    bool null_ = false;
};

// ---- Log and Serial -----------------------------------------------------------------------

enum LogLevel {
    LOG_LEVEL_ALL = 1,
    LOG_LEVEL_TRACE = 1,
    LOG_LEVEL_INFO = 30,
    LOG_LEVEL_WARN = 40,
    LOG_LEVEL_ERROR = 50,
    LOG_LEVEL_PANIC = 60,
    LOG_LEVEL_NONE = 70
};

class SerialLogHandler {
public:
    explicit SerialLogHandler(LogLevel level = LOG_LEVEL_INFO);
    explicit SerialLogHandler(int baud, LogLevel level = LOG_LEVEL_INFO);
};

class Logger {
public:
    explicit Logger(const char *category = "app") : category_(category) {}
    void trace(const char *format, ...) const __attribute__((format(printf, 2, 3)));
    void info(const char *format, ...) const __attribute__((format(printf, 2, 3)));
    void warn(const char *format, ...) const __attribute__((format(printf, 2, 3)));
    void error(const char *format, ...) const __attribute__((format(printf, 2, 3)));
    void operator()(const char *format, ...) const __attribute__((format(printf, 2, 3)));

private:
    const char *category_;
};
extern const Logger Log;

class USBSerial {
public:
    void begin(int baud = 9600) {}
    bool isConnected() const { return true; }
    size_t write(uint8_t c);
    size_t print(const char *text);
    size_t print(const String &text) { return print(text.length() ? text.c_str() : ""); }
    size_t print(char c) { return write(static_cast<uint8_t>(c)); }
    size_t print(int n) { return print(String(n)); }
    size_t print(unsigned n) { return print(String(n)); }
    size_t print(long n) { return print(String(n)); }
    size_t print(unsigned long n) { return print(String(n)); }
    size_t print(double n, int decimals = 2) { return print(String(n, decimals)); }
    size_t println() { return print("\r\n"); }
    template <typename T> size_t println(const T &value) { return print(value) + println(); }
    size_t printf(const char *format, ...) __attribute__((format(printf, 2, 3)));
    size_t printlnf(const char *format, ...) __attribute__((format(printf, 2, 3)));
};
extern USBSerial Serial;

// ---- Typed data ---------------------------------------------------------------------------

namespace particle {

enum class ContentType : int { TEXT = 0, JPEG = 22, PNG = 23, BINARY = 42, STRUCTURED = 65001 };

// Bytes.
class Buffer {
public:
    Buffer() {}
    explicit Buffer(size_t size) : bytes_(size, '\0') {}
    Buffer(const char *data, size_t size) : bytes_(data, size) {}

    char *data() { return &bytes_[0]; }
    const char *data() const { return bytes_.data(); }
    size_t size() const { return bytes_.size(); }
    bool isEmpty() const { return bytes_.empty(); }
    bool resize(size_t size) { return bytes_.resize(size), true; }
    char &operator[](size_t i) { return bytes_[i]; }
    char operator[](size_t i) const { return bytes_[i]; }
    friend bool operator==(const Buffer &a, const Buffer &b) { return a.bytes_ == b.bytes_; }
    friend bool operator!=(const Buffer &a, const Buffer &b) { return !(a == b); }

    String toHex() const;
    static Buffer fromHex(const char *text) { return fromHex(text, strlen(text)); }
    static Buffer fromHex(const char *text, size_t size);
    static Buffer fromHex(const String &text) { return fromHex(text.c_str(), text.length()); }

private:
    std::string bytes_;
};

// A value of one of several types. Setting a key makes it a map, appending makes it an array.
class Variant {
public:
    enum Type { NULL_, BOOL, INT, UINT, INT64, UINT64, DOUBLE, STRING, BUFFER, ARRAY, MAP };

    Variant() {}
    Variant(bool value) : type_(BOOL), whole_(value) {}
    Variant(int value) : type_(INT), whole_(value) {}
    Variant(unsigned value) : type_(UINT), whole_(value) {}
    Variant(long value) : type_(INT64), whole_(value) {}
    Variant(unsigned long value) : type_(UINT64), whole_(static_cast<int64_t>(value)) {}
    Variant(long long value) : type_(INT64), whole_(value) {}
    Variant(unsigned long long value) : type_(UINT64), whole_(static_cast<int64_t>(value)) {}
    Variant(double value) : type_(DOUBLE), number_(value) {}
    Variant(const char *value) : type_(STRING), bytes_(value ? value : "") {}
    Variant(const String &value) : Variant(value.c_str()) {}
    Variant(const Buffer &value) : type_(BUFFER), bytes_(value.data(), value.size()) {}

    Type type() const { return type_; }
    bool isNull() const { return type_ == NULL_; }
    bool isBool() const { return type_ == BOOL; }
    bool isInt() const { return type_ == INT; }
    bool isDouble() const { return type_ == DOUBLE; }
    bool isNumber() const { return type_ >= INT && type_ <= DOUBLE; }
    bool isString() const { return type_ == STRING; }
    bool isBuffer() const { return type_ == BUFFER; }
    bool isArray() const { return type_ == ARRAY; }
    bool isMap() const { return type_ == MAP; }

    // False, 0 or empty where nothing else can be made of the value.
    bool toBool() const { return toDouble() != 0; }
    int toInt() const { return static_cast<int>(toDouble()); }
    double toDouble() const;
    String toString() const;
    Buffer toBuffer() const { return isBuffer() ? Buffer(bytes_.data(), bytes_.size()) : Buffer(); }

    bool append(Variant value);
    Variant at(int index) const;
    bool set(const char *key, Variant value);
    Variant get(const char *key) const;
    bool has(const char *key) const { return place(key) < keys_.size(); }
    bool remove(const char *key);
    int size() const { return static_cast<int>(isString() ? bytes_.size() : items_.size()); }
    bool isEmpty() const { return size() == 0; }

    String toJSON() const;
    size_t sizeOnAir() const;  // Not of Device OS: the bytes of the value as CBOR.

protected:
    explicit Variant(Type type) : type_(type) {}

private:
    size_t place(const char *key) const;

    Type type_ = NULL_;
    int64_t whole_ = 0;
    double number_ = 0;
    std::string bytes_;
    std::vector<Variant> items_;      // Of an array or a map,
    std::vector<std::string> keys_;   // and the keys of the map, in the order in which they were set.
};

struct VariantArray : Variant {
    VariantArray() : Variant(ARRAY) {}
};
struct VariantMap : Variant {
    VariantMap() : Variant(MAP) {}
};

typedef Variant EventData;

}  // namespace particle

using particle::Buffer;
using particle::ContentType;
using particle::EventData;
using particle::Variant;
using particle::VariantArray;
using particle::VariantMap;

// ---- Cloud --------------------------------------------------------------------------------

namespace particle {

// What an asynchronous call gives back. Here every call is decided at once.
template <typename T> class Future {
public:
    explicit Future(T value) : value_(value) {}
    operator T() const { return value_; }
    T result() const { return value_; }
    const Future &wait() const { return *this; }
    bool isDone() const { return true; }
    bool isSucceeded() const { return value_; }
    bool isFailed() const { return !value_; }

private:
    T value_;
};

class PublishFlags {
public:
    explicit constexpr PublishFlags(uint8_t bits) : bits_(bits) {}
    constexpr PublishFlags operator|(PublishFlags other) const { return PublishFlags(bits_ | other.bits_); }

private:
    uint8_t bits_;
};

namespace protocol {
constexpr size_t MAX_EVENT_NAME_LENGTH = 64;
constexpr size_t MAX_EVENT_DATA_LENGTH = 1024;
}

enum class VariableType { BOOLEAN, INT, DOUBLE, STRING };

typedef void (*EventHandler)(const char *name, const char *data);
typedef std::function<void(const char *name, const char *data)> EventFunction;
typedef std::function<void(const char *name, const char *data, size_t size, ContentType type)> TypedEventFunction;

}  // namespace particle

// Accepted, and without effect, as in Device OS since events are private.
constexpr particle::PublishFlags PUBLIC(0), PRIVATE(1), NO_ACK(2), WITH_ACK(8);
constexpr particle::VariableType BOOLEAN = particle::VariableType::BOOLEAN, INT = particle::VariableType::INT,
                                  DOUBLE = particle::VariableType::DOUBLE, STRING = particle::VariableType::STRING;
enum Spark_Subscription_Scope_TypeDef { ALL_DEVICES, MY_DEVICES };

class CloudClass {
public:
    bool connected();
    bool disconnected() { return !connected(); }
    void connect();
    void disconnect();
    void process();

    // False when there is no connection, and for the fifth within a second. Says nothing
    // about the arrival.
    particle::Future<bool> publish(const char *name, particle::PublishFlags flags = PRIVATE) {
        return publish(name, static_cast<const char *>(nullptr));
    }
    particle::Future<bool> publish(const char *name, const char *data, particle::PublishFlags flags = PRIVATE) {
        return publish(name, data, ContentType::TEXT);
    }
    particle::Future<bool> publish(const char *name, const char *data, int ttl,
                                   particle::PublishFlags flags = PRIVATE) {
        return publish(name, data, ContentType::TEXT);
    }
    particle::Future<bool> publish(const char *name, const String &data, particle::PublishFlags flags = PRIVATE) {
        return publish(name, data.c_str(), ContentType::TEXT);
    }
    // Data of a type. Text is cut when it is too long; everything else is refused then.
    particle::Future<bool> publish(const char *name, const char *data, ContentType type,
                                   particle::PublishFlags flags = PRIVATE) {
        return send(name, data, data ? strlen(data) : 0, type);
    }
    particle::Future<bool> publish(const char *name, const String &data, ContentType type,
                                   particle::PublishFlags flags = PRIVATE) {
        return send(name, data.c_str(), data.length(), type);
    }
    particle::Future<bool> publish(const char *name, const char *data, size_t size, ContentType type,
                                   particle::PublishFlags flags = PRIVATE) {
        return send(name, data, size, type);
    }
    particle::Future<bool> publish(const char *name, const EventData &data, particle::PublishFlags flags = PRIVATE);
    int maxEventDataSize() const { return particle::protocol::MAX_EVENT_DATA_LENGTH; }

    // At most four. The name is a prefix of the event names, cut at 64 characters.
    bool subscribe(const char *prefix, particle::EventFunction handler,
                   Spark_Subscription_Scope_TypeDef scope = MY_DEVICES);
    // Gets bytes too; the other handlers get text alone.
    bool subscribe(const char *prefix, particle::TypedEventFunction handler);
    template <typename T> bool subscribe(const char *prefix, void (T::*handler)(const char *, const char *), T *object) {
        return subscribe(prefix, [=](const char *name, const char *data) { (object->*handler)(name, data); });
    }
    void unsubscribe();

    // At most 15 functions, called with a text between two calls of loop(), and at most 20
    // variables, read then. A name has at most 64 characters.
    bool function(const char *name, std::function<int(String)> handler);
    template <typename T> bool function(const char *name, int (T::*handler)(String), T *object) {
        return function(name, [=](String argument) { return (object->*handler)(argument); });
    }
    // A bool, int, unsigned, double, String or text, or a function that returns one.
    template <typename T> bool variable(const char *name, const T &source) {
        if constexpr (std::is_invocable_v<const T &>) {
            const std::decay_t<const T &> calculate = source;
            using Value = std::decay_t<decltype(calculate())>;
            return addVariable(name, kind<Value>(), [=] { return text(calculate()); });
        } else if constexpr (std::is_convertible_v<const T &, const char *> && !std::is_same_v<T, String>) {
            const char *const place = source;
            return addVariable(name, "string", [=] { return String(place); });
        } else {
            const T *const place = &source;
            return addVariable(name, kind<T>(), [=] { return text(*place); });
        }
    }
    template <typename T, typename Value> bool variable(const char *name, Value (T::*calculate)(), T *object) {
        return variable(name, [=] { return (object->*calculate)(); });
    }
    // As in old firmware: a pointer, and what it points to.
    template <typename T> bool variable(const char *name, const T *source, particle::VariableType) {
        if constexpr (std::is_same_v<T, char>) {
            return variable(name, source);
        } else {
            return variable(name, *source);
        }
    }

private:
    template <typename T> static constexpr const char *kind() {
        constexpr bool whole = std::is_integral_v<T> && sizeof(T) == sizeof(int);
        constexpr bool string = std::is_same_v<T, String> || std::is_same_v<T, const char *>;
        static_assert(!std::is_same_v<T, float>, "use double in place of float for Particle.variable()");
        static_assert(std::is_same_v<T, bool> || whole || std::is_same_v<T, double> || string,
                      "Particle.variable() takes bool, int, double or String");
        return std::is_same_v<T, bool> ? "bool" : whole ? "int32" : string ? "string" : "double";
    }
    template <typename T> static String text(const T &value) {
        if constexpr (std::is_same_v<T, bool>) {
            return value ? "true" : "false";
        } else if constexpr (std::is_integral_v<T>) {
            return String(static_cast<int>(value));
        } else if constexpr (std::is_same_v<T, double>) {
            return String::format("%.17g", value);
        } else {
            return value;
        }
    }
    bool addVariable(const char *name, const char *kind, std::function<String()> read);
    particle::Future<bool> send(const char *name, const char *data, size_t size, ContentType type);
    bool addSubscription(const char *prefix, particle::EventFunction handler, particle::TypedEventFunction typed);
};
extern CloudClass Particle;

// ---- System -------------------------------------------------------------------------------

typedef uint64_t system_event_t;
constexpr system_event_t button_status = 1u << 7;
constexpr system_event_t button_click = 1u << 12;
constexpr system_event_t button_final_click = 1u << 13;

inline uint8_t system_button_clicks(int param) { return param & 0x0f; }

enum power_source_t {
    POWER_SOURCE_UNKNOWN = 0,
    POWER_SOURCE_VIN = 1,
    POWER_SOURCE_USB_HOST = 2,
    POWER_SOURCE_USB_ADAPTER = 3,
    POWER_SOURCE_USB_OTG = 4,
    POWER_SOURCE_BATTERY = 5
};

class SystemClass {
public:
    typedef std::function<void(system_event_t, int, void *)> Handler;

    // Only the button events occur. A handler may take (event, param, pointer), (event, param),
    // (event) or nothing. It is called at the very moment, in the middle of whatever runs.
    template <typename F> bool on(system_event_t events, F handler) {
        return addHandler(events, [handler](system_event_t event, int param, void *pointer) mutable {
            if constexpr (std::is_invocable_v<F, system_event_t, int, void *>) {
                handler(event, param, pointer);
            } else if constexpr (std::is_invocable_v<F, system_event_t, int>) {
                handler(event, param);
            } else if constexpr (std::is_invocable_v<F, system_event_t>) {
                handler(event);
            } else {
                handler();
            }
        });
    }

    String deviceID() const;  // 24 lower-case hexadecimal digits
    String version() const { return String("6.2.1"); }
    uint32_t versionNumber() const { return SYSTEM_VERSION; }
    unsigned uptime() const;  // seconds
    uint64_t millis() const;  // does not start from 0 again
    void reset();             // never returns
#if HAL_PLATFORM_POWER_MANAGEMENT
    int powerSource() const;       // a power_source_t
    float batteryCharge() const;   // percent, -1 when it is not known
#endif

private:
    bool addHandler(system_event_t events, Handler handler);
};
extern SystemClass System;

template <typename Condition> bool waitForCondition(Condition condition, system_tick_t timeout) {
    const system_tick_t start = ::millis();
    while (!condition()) {
        if (timeout && ::millis() - start >= timeout) {
            return false;
        }
        delay(1);
    }
    return true;
}
#define waitFor(condition, timeout) waitForCondition([&] { return (condition)(); }, timeout)
#define waitUntil(condition) waitForCondition([&] { return (condition)(); }, 0)
#define waitForNot(condition, timeout) waitForCondition([&] { return !(condition)(); }, timeout)

// ---- JSON ---------------------------------------------------------------------------------

// Writes JSON into a buffer, never past its end, and counts on. Does not end the text with a 0.
class JSONBufferWriter {
public:
    JSONBufferWriter(char *buffer, size_t size) : buffer_(buffer), size_(size) {}

    JSONBufferWriter &beginObject() { return begin('{'); }
    JSONBufferWriter &endObject() { return end('}'); }
    JSONBufferWriter &beginArray() { return begin('['); }
    JSONBufferWriter &endArray() { return end(']'); }
    JSONBufferWriter &name(const char *text) { return name(text, strlen(text)); }
    JSONBufferWriter &name(const char *text, size_t size);
    JSONBufferWriter &name(const String &text) { return name(text.length() ? text.c_str() : "", text.length()); }
    JSONBufferWriter &value(bool value);
    JSONBufferWriter &value(int value);
    JSONBufferWriter &value(unsigned value);
    JSONBufferWriter &value(long value);
    JSONBufferWriter &value(unsigned long value);
    JSONBufferWriter &value(long long value);
    JSONBufferWriter &value(unsigned long long value);
    JSONBufferWriter &value(double value);  // as printf's %g: six digits
    JSONBufferWriter &value(double value, int decimals);
    JSONBufferWriter &value(const char *text) { return value(text, strlen(text)); }
    JSONBufferWriter &value(const char *text, size_t size);
    JSONBufferWriter &value(const String &text) { return value(text.length() ? text.c_str() : "", text.length()); }
    JSONBufferWriter &nullValue();

    char *buffer() const { return buffer_; }
    size_t bufferSize() const { return size_; }
    size_t dataSize() const { return count_; }  // of the whole text, also of what did not fit

private:
    JSONBufferWriter &begin(char bracket);
    JSONBufferWriter &end(char bracket);
    void separate();
    void write(const char *text, size_t size);
    void writeEscaped(const char *text, size_t size);
    void writeNumber(const char *format, ...) __attribute__((format(printf, 2, 3)));

    enum { AtBegin, AfterName, AfterValue } state_ = AtBegin;
    char *buffer_;
    size_t size_;
    size_t count_ = 0;
};
