package io.pannier.extract.ros;

import io.pannier.query.ext.Body;
import io.pannier.query.ext.Work;
import io.pannier.robotics.mcap.RangeSource;
import java.nio.ByteBuffer;

/** A body as a file to read in. */
final class BodySource implements RangeSource {
  private final Body body;
  private final Work work;

  BodySource(Body body, Work work) {
    this.body = body;
    this.work = work;
  }

  @Override
  public long size() {
    return body.length();
  }

  @Override
  public int read(ByteBuffer target, long position) {
    work.check();
    return body.read(position, target);
  }
}
