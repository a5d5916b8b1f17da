-- Pictures: what a file in the store of pictures belongs to.
COMMENT ON SCHEMA ecs IS 'Tables of the shop.';
