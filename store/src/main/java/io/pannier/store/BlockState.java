package io.pannier.store;

/** The state of a block as a journal frame has it ({@code docs/format.md}, "State of a block"). */
public record BlockState(
    int entry,
    int block,
    int flags,
    long bytes,
    long changeBytes,
    int live,
    int records,
    long oldest,
    long newest,
    long size,
    long dead,
    long lastSequence,
    long arrival) {
  BlockState withFlag(int flag, boolean on) {
    return new BlockState(
        entry,
        block,
        on ? flags | flag : flags & ~flag,
        bytes,
        changeBytes,
        live,
        records,
        oldest,
        newest,
        size,
        dead,
        lastSequence,
        arrival);
  }
}
