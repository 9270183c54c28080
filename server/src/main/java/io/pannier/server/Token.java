package io.pannier.server;

import java.time.Instant;

/**
 * Who calls.
 *
 * @param name of the token
 * @param createdAt when the token came into being
 * @param isProvisioned whether it comes from the configuration
 */
record Token(String name, Instant createdAt, boolean isProvisioned) {}
