"""TODOPKG"""
