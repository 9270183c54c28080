package io.pannier.server.events;

import io.pannier.model.Labels;
import io.pannier.store.Scrub;

/** A pass of the scrub that has ended. */
public record ScrubRun(Scrub.Pass pass) {
  SystemEvent event(long now) {
    return new SystemEvent(
        "scrub",
        "passes",
        now,
        pass.damaged() == 0 ? 200 : 500,
        pass.damaged() == 0 ? "" : pass.damaged() + " damaged places were found",
        Labels.EMPTY,
        json -> {
          json.writeNumberField("pass", pass.number());
          json.writeNumberField("duration", (pass.finished() - pass.started()) / 1e6);
          json.writeNumberField("blocks", pass.blocks());
          json.writeNumberField("bytes", pass.bytes());
          json.writeNumberField("damaged", pass.damaged());
        });
  }
}
