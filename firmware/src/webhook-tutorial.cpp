// webhook-tutorial.cpp
//
// Publishes the event WebhookTutorial01 every minute, and when the MODE button is
// tapped. A webhook in the Particle cloud sends each event on to a server. What the
// server answers comes back as events of this device's own, and is printed.

#include "Particle.h"

#include <climits>

#ifndef SYSTEM_VERSION_v620
SYSTEM_THREAD(ENABLED);  // Device OS 6.2.0 and later do this by themselves.
#endif

SerialLogHandler logHandler(LOG_LEVEL_INFO);

// The webhook fires for event names that begin with this.
const char eventName[] = "WebhookTutorial01";

const system_tick_t publishPeriodMs = 60 * 1000;

// Device OS refuses the fifth publish within a second. One a second stays clear of it.
const system_tick_t publishGapMs = 1000;

// A response comes in parts of this many bytes. Only the last part can be shorter.
const size_t partSize = 512;

// More than ten parts are not kept: 5 KB is what Particle recommends at most.
const size_t maxParts = 10;

// When no further part came for this long, none will.
const system_tick_t responseTimeoutMs = 10 * 1000;

// Set by the button, possibly in an interrupt, and read by loop(): hence volatile.
volatile bool buttonTapped = false;

system_tick_t lastPublishMs = 0;   // any publish
system_tick_t lastPeriodicMs = 0;  // the one that is due every minute

// The response that is being put together. It lives here because the stack is small.
char response[maxParts * partSize + 1];
uint32_t partsHere = 0;      // bit N is set when part N has arrived
int lastPart = -1;           // the number of the short part, -1 until it is here
size_t lastPartSize = 0;
bool responseTooLong = false;
system_tick_t lastPartMs = 0;

void onButtonClick(system_event_t event, int param);
void onHookResponse(const char *event, const char *data);
void onHookError(const char *event, const char *data);
void publish(const char *op);
void printResponse(size_t size);
void forgetResponse();
void endLateResponse(system_tick_t now);

void setup() {
    System.on(button_click, onButtonClick);

    // The names begin with this device's own ID, so that it gets its own responses
    // and nobody else's: each one that is delivered costs a data operation.
    const String id = System.deviceID();
    Particle.subscribe((id + "/hook-response/" + eventName).c_str(), onHookResponse);
    Particle.subscribe((id + "/hook-error/" + eventName).c_str(), onHookError);
}

void loop() {
    const system_tick_t now = millis();

    endLateResponse(now);

    if (!Particle.connected()) {
        buttonTapped = false;  // A tap is not kept for later: it would surprise then.
        return;
    }

    // Subtract, then compare: that stays right when millis() starts again from 0,
    // after 49 days.
    if (now - lastPublishMs < publishGapMs) {
        return;
    }

    if (buttonTapped) {
        buttonTapped = false;
        lastPublishMs = now;
        publish("button");
    } else if (now - lastPeriodicMs >= publishPeriodMs) {
        lastPublishMs = now;
        lastPeriodicMs = now;
        publish("periodic");
    }
}

// Device OS has filtered out bounces (under 30 ms) and long presses (500 ms and more).
// This may run in an interrupt, so it only leaves a note for loop().
void onButtonClick(system_event_t event, int param) {
    buttonTapped = true;
}

void publish(const char *op) {
    const int id = rand() % INT_MAX + 1;
    char data[128];

    // The writer does not end the text with a 0. The last byte is kept free for it.
    JSONBufferWriter writer(data, sizeof(data) - 1);
    writer.beginObject();
    writer.name("op").value(op);
    writer.name("id").value(id);
#if HAL_PLATFORM_POWER_MANAGEMENT
    writer.name("powerSource").value(System.powerSource());
    writer.name("soc").value(System.batteryCharge());
#endif
    writer.endObject();

    // The writer never writes past the end, but it goes on counting.
    if (writer.dataSize() > writer.bufferSize()) {
        Log.error("not published: %u bytes do not fit", (unsigned)writer.dataSize());
        return;
    }
    data[writer.dataSize()] = 0;

    Log.info("publish %s %s", eventName, data);
    Particle.publish(eventName, data);
}

// Runs between two calls of loop(), once for each part. The event is called
// DEVICE_ID/hook-response/WebhookTutorial01/N, where N counts the parts from 0.
// The parts may come in any order, and one may come twice.
void onHookResponse(const char *event, const char *data) {
    const size_t size = data ? strlen(data) : 0;  // An empty event has no data: NULL.
    const size_t part = strtoul(strrchr(event, '/') + 1, nullptr, 10);
    lastPartMs = millis();

    if (size > partSize) {  // Larger than a part: the webhook is set to "unchunked".
        forgetResponse();
        Log.info("hook response %s", data);
        return;
    }
    if (part >= maxParts) {
        responseTooLong = true;
        return;
    }

    const uint32_t bit = 1u << part;
    const bool isLast = size < partSize;
    char *const place = response + part * partSize;

    if (partsHere & bit) {
        const size_t sizeHere = (int)part == lastPart ? lastPartSize : partSize;
        if (size == sizeHere && memcmp(place, data ? data : "", size) == 0) {
            return;  // The same part again.
        }
    }
    // What can't belong to the same response is the beginning of the next one.
    const bool otherEnd = isLast && (partsHere >> part) != 0;
    const bool pastEnd = lastPart >= 0 && (int)part >= lastPart;
    if ((partsHere & bit) || otherEnd || pastEnd) {
        forgetResponse();
    }

    memcpy(place, data ? data : "", size);
    partsHere |= bit;
    if (isLast) {
        lastPart = (int)part;
        lastPartSize = size;
    }
    if (lastPart >= 0 && partsHere == (2u << lastPart) - 1) {  // All of 0..lastPart.
        printResponse(lastPart * partSize + lastPartSize);
    }
}

// The log shortens a message to 199 characters. The response itself is complete.
void printResponse(size_t size) {
    response[size] = 0;
    Log.info("hook response %s", response);
    forgetResponse();
}

void forgetResponse() {
    partsHere = 0;
    lastPart = -1;
    responseTooLong = false;
}

// A response whose length is a multiple of 512 has no short part. Nothing marks its
// end but silence. Any other response that stays open lost a part on its way.
void endLateResponse(system_tick_t now) {
    if (partsHere == 0 && !responseTooLong) {
        return;
    }
    if (now - lastPartMs < responseTimeoutMs) {
        return;
    }

    size_t parts = 0;
    while (partsHere >> parts) {
        parts++;
    }
    const bool noneMissing = partsHere == (1u << parts) - 1;

    if (responseTooLong) {
        Log.warn("hook response longer than %u bytes", (unsigned)(maxParts * partSize));
        forgetResponse();
    } else if (noneMissing && lastPart < 0) {
        printResponse(parts * partSize);
    } else {
        Log.warn("hook response incomplete");
        forgetResponse();
    }
}

// The server's answer was not a success, or there was none. The data is a line of text.
void onHookError(const char *event, const char *data) {
    Log.error("hook error %s", data ? data : "");
}
