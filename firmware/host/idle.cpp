// idle.cpp
//
// What a virtual device runs until another firmware is flashed. It publishes nothing.

#include "Particle.h"

SerialLogHandler logHandler(LOG_LEVEL_INFO);

// Set by the button, possibly in an interrupt, and read by loop().
volatile bool buttonTapped = false;

void onButtonClick(system_event_t event, int param) {
    buttonTapped = true;
}

void setup() {
    System.on(button_click, onButtonClick);
    Log.info("idle firmware: it publishes nothing; flash another one to begin");
}

void loop() {
    if (buttonTapped) {
        buttonTapped = false;
        Log.info("MODE was tapped; the idle firmware does nothing");
    }
}
