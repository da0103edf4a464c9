// own-firmware.cpp
//
// The few lines that a firmware of one's own needs to take part, within the smallest firmware that has a place for them.
// The page shows those lines; a test compiles and runs the whole.

#include "Particle.h"

SerialLogHandler logHandler(LOG_LEVEL_INFO);

// What the server answered. Device OS calls this between two calls of loop().
void onHookResponse(const char *event, const char *data) {
    Log.info("hook response %s", data ? data : "");
}

void setup() {
    Particle.subscribe((System.deviceID() + "/hook-response/WebhookTutorial01").c_str(), onHookResponse);
}

system_tick_t lastMs = 0;

void loop() {
    if (millis() - lastMs < 60 * 1000) {
        return;
    }
    lastMs = millis();

    if (Particle.connected() && Time.isValid()) {
        // A sequence number. It begins with the time of the first event, in seconds, so that
        // a restart repeats none: there is at most one event a second.
        static uint32_t id = Time.now();
        Particle.publish("WebhookTutorial01",
                         String::format("{\"op\":\"mine\",\"id\":%lu}", (unsigned long)id++));
    }
}
