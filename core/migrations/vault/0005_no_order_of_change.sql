-- No list is in the order of the last change, and keeping one cost a page at every save.
DROP INDEX plan_by_change;
