package io.pannier.server.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOutboundBuffer;

/** Notices when a client takes nothing of what is on its way to it. */
final class OutboundStall {
  private final Channel channel;
  private long bytes;
  private long progress;
  private long since;

  OutboundStall(Channel channel, long now) {
    this.channel = channel;
    this.since = now;
  }

  /** Whether bytes have been waiting for so long without any moving. */
  boolean isStalled(long now, long allowedNanos) {
    ChannelOutboundBuffer out = channel.unsafe().outboundBuffer();
    long waiting = out == null ? 0 : out.totalPendingWriteBytes();
    long moved = waiting == 0 || out == null ? 0 : out.currentProgress();
    if (waiting == 0 || waiting != bytes || moved != progress) {
      bytes = waiting;
      progress = moved;
      since = now;
      return false;
    }
    return now - since > allowedNanos;
  }
}
