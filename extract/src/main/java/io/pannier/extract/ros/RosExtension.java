package io.pannier.extract.ros;

import io.pannier.query.ext.Extension;
import io.pannier.query.ext.Opening;
import io.pannier.query.ext.Step;

/** {@code ros}: messages out of recordings and recordings out of messages. */
public final class RosExtension implements Extension {
  private final McapFiles files = new McapFiles();

  @Override
  public String name() {
    return "ros";
  }

  @Override
  public String version() {
    return "1.0";
  }

  @Override
  public Step open(Opening opening) {
    return new RosStep(opening, files);
  }
}
