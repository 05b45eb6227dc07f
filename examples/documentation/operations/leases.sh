redis-cli zrange '{stem:0}:leases' 0 -1 withscores
redis-cli hgetall '{stem:0}:consumers'
