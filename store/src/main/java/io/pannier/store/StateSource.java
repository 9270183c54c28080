package io.pannier.store;

import io.pannier.store.disk.Disk;
import java.io.IOException;
import java.util.Optional;

/**
 * Where the states of a store come from that another process writes. One thread at a time; may wait
 * for the network.
 */
public interface StateSource extends AutoCloseable {
  /** A state: a data folder as it was at one moment, as good as after a loss of power. */
  interface State {
    /** The folder, for reading; stays readable for a while after states that follow. */
    Disk disk();

    /** Asked when it was read as far as a start reads: whether it was one state all the time. */
    boolean isWhole() throws IOException;
  }

  /** The newest state, if it is another than the last one that was whole. */
  Optional<State> next() throws IOException;

  /** A state that was given could not be used: the next look finds it new again. */
  void refused();

  /** Where it looks, for people. */
  String place();

  @Override
  void close() throws IOException;
}
