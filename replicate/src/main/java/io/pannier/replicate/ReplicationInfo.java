package io.pannier.replicate;

/**
 * How a task is doing.
 *
 * @param active whether the destination could be reached last
 * @param provisioned whether the configuration gives it
 * @param pendingRecords records and changes of labels that are still to be sent
 */
public record ReplicationInfo(
    String name, ReplicationMode mode, boolean active, boolean provisioned, long pendingRecords) {}
