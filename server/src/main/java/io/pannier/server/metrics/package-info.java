/**
 * What a scrape shows: the numbers of store, server and process under the names by which Prometheus
 * knows them. Nothing here is loaded before the first scrape, and nothing is counted here: the
 * rooms count for themselves and know nothing of this one. {@link io.pannier.server.metrics.Metric}
 * is the list of everything there is; start reading at {@link io.pannier.server.metrics.Scrape}.
 */
@NullMarked
package io.pannier.server.metrics;

import org.jspecify.annotations.NullMarked;
