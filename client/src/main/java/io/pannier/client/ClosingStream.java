package io.pannier.client;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** A body that takes something else with it when it is closed. */
final class ClosingStream extends FilterInputStream {
  private final AutoCloseable owner;

  ClosingStream(InputStream in, AutoCloseable owner) {
    super(in);
    this.owner = owner;
  }

  @Override
  public void close() throws IOException {
    try (owner) {
      super.close();
    } catch (IOException failed) {
      throw failed;
    } catch (Exception failed) {
      throw new IOException(failed);
    }
  }
}
