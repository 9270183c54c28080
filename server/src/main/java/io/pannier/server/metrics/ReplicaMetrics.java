package io.pannier.server.metrics;

/** How an instance follows another one that writes; nothing where it writes itself. */
final class ReplicaMetrics {
  private ReplicaMetrics() {}

  static void add(Families to, Sources from) {
    from.replica()
        .ifPresent(replica -> {
          to.add(Metric.REPLICA_BEHIND, replica.behindMicros() / 1e6);
          to.add(Metric.REPLICA_LAST_READ, replica.lookedMicros() / 1e6);
          to.add(Metric.REPLICA_STATES, replica.states());
          to.add(Metric.REPLICA_FAILURES, replica.failures());
          to.add(Metric.REPLICA_EPOCH, replica.epoch());
          to.add(Metric.REPLICA_GENERATION, replica.generation());
        });
  }
}
