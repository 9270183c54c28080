/**
 * The commands that speak to servers over HTTP, as {@code reduct-cli} has them and some more. They
 * use {@code io.pannier.client} and load no class of the server. Start at {@link
 * io.pannier.cli.client.ClientCommand}, which all of them extend.
 */
@NullMarked
package io.pannier.cli.client;

import org.jspecify.annotations.NullMarked;
