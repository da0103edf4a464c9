// own-firmware.cpp
//
// The few lines that a firmware of one's own needs to take part, within the smallest firmware that has a place for them.
// The page shows the parts between "// anchor: name" and "// anchor-end"; a test compiles and runs the whole.

#include "Particle.h"

SerialLogHandler logHandler(LOG_LEVEL_INFO);

// anchor: own-response
// What the server answered. Device OS calls this between two calls of loop().
void onHookResponse(const char *event, const char *data) {
    Log.info("hook response %s", data ? data : "");
}
// anchor-end

void setup() {
    // anchor: own-setup
    Particle.subscribe((System.deviceID() + "/hook-response/WebhookTutorial01").c_str(), onHookResponse);
    // anchor-end
}

system_tick_t lastMs = 0;

void loop() {
    if (millis() - lastMs < 60 * 1000) {
        return;
    }
    lastMs = millis();

    // anchor: own-publish
    if (Particle.connected()) {
        Particle.publish("WebhookTutorial01", "{\"op\":\"mine\",\"id\":1}");
    }
    // anchor-end
}
