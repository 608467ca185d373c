<?php
/**
 * Live stock and price in a WooCommerce theme. Put this into the theme's functions.php, or into a plugin of its own.
 *
 * WooCommerce knows each product's SKU; the shop of Lockstep must have a part with the same one. What WooCommerce itself says
 * stays where it is until the script knows better, and for readers without JavaScript.
 */

add_action('wp_enqueue_scripts', function () {
    wp_enqueue_script('lockstep', 'https://shop.example/embed/v1/embed.js', [], null, ['strategy' => 'async']);
});

/** The price, in lists and on the product's page. */
add_filter('woocommerce_get_price_html', function ($html, $product) {
    $sku = $product->get_sku();
    if (!$sku) {
        return $html;
    }
    return sprintf('<span data-lockstep-part="%s" data-lockstep-field="price">%s</span>', esc_attr($sku), wp_strip_all_tags($html));
}, 10, 2);

/** How many there are, in place of "In stock". */
add_filter('woocommerce_get_stock_html', function ($html, $product) {
    $sku = $product->get_sku();
    if (!$sku) {
        return $html;
    }
    return sprintf(
        '<p class="stock" data-lockstep-part="%s"><span data-lockstep-field="availability">%s</span>'
            . '<span data-lockstep-show="in low"> (<span data-lockstep-field="stock"></span>)</span></p>',
        esc_attr($sku),
        esc_html(wp_strip_all_tags($html))
    );
}, 10, 2);
